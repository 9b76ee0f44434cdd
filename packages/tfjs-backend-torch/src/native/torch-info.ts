// torchInfoOf: the versions and instruction sets under the backend, as the numerics fingerprint and `lockstep doctor` show them.

/** What decides the bits of a result. null: absent. */
export interface TorchInfo {
  /** As of the headers that the addon was built with. */
  readonly libtorch: string;
  readonly oneDnn: string | null;
  readonly blas: string;
  /** The processor type that OpenBLAS chose its kernels for. */
  readonly blasCore: string | null;
  /** What ATen's own loops use; ATEN_CPU_CAPABILITY pins it. */
  readonly atenInstructionSet: string;
  /** dnnl_cpu_isa_t in effect, by name and number; ONEDNN_MAX_CPU_ISA pins it. null where this libtorch hides it. */
  readonly oneDnnInstructionSet: string | null;
  readonly cudaDevice: string | null;
  /** Of NVIDIA's kernel driver, e.g. 550.54.15. */
  readonly cudaDriver: string | null;
  readonly cudaRuntime: string | null;
  readonly cuDnn: string | null;
}

/** As the addon reports it: version numbers as the libraries encode them. */
export interface NativeInfo extends Omit<TorchInfo, "cudaRuntime" | "cuDnn"> {
  /** Of cudaRuntimeGetVersion, e.g. "12060". */
  readonly cudaRuntime: string | null;
  /** Of cudnnGetVersion, e.g. "91002". */
  readonly cuDnn: string | null;
  /** Settings of malloc that the C library did not accept: no part of the fingerprint. */
  readonly refusedSettings: string | null;
}

export function torchInfoOf({ refusedSettings: _, ...native }: NativeInfo): TorchInfo {
  const { cudaRuntime, cuDnn } = native;
  return {
    ...native,
    cudaRuntime: cudaRuntime === null ? null : cudaVersion(Number(cudaRuntime)),
    cuDnn: cuDnn === null ? null : cuDnnVersion(Number(cuDnn)),
  };
}

/** 1000 major + 10 minor: 12060 is 12.6. */
function cudaVersion(number: number): string {
  return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}

/** 10000 major + 100 minor + patch since cuDNN 9 (91002 is 9.10.2), before it 1000 major (8902 is 8.9.2). */
function cuDnnVersion(number: number): string {
  const unit = number >= 10_000 ? 10_000 : 1000;
  return `${Math.floor(number / unit)}.${Math.floor((number % unit) / 100)}.${number % 100}`;
}
