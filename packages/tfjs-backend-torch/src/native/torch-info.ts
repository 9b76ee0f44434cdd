// torchInfoOf: decodes the libraries' versions and instruction sets for the numerics fingerprint and `lockstep doctor`.

/**
 * The versions and instruction sets that decide the bits of a result; null if the library is absent or does not tell.
 */
export interface TorchInfo {
  /** The version in the headers that the addon was built with. */
  readonly libtorch: string;
  readonly oneDnn: string | null;
  readonly blas: string;
  /** The processor type that OpenBLAS chose its kernels for. */
  readonly blasCore: string | null;
  /** The instruction set of ATen's own loops; ATEN_CPU_CAPABILITY sets it. */
  readonly atenInstructionSet: string;
  /**
   * The effective dnnl_cpu_isa_t, by name and number; ONEDNN_MAX_CPU_ISA limits it. null if this libtorch does not
   * export it.
   */
  readonly oneDnnInstructionSet: string | null;
  readonly cudaDevice: string | null;
  /** Version of NVIDIA's kernel driver, for example 550.54.15. */
  readonly cudaDriver: string | null;
  readonly cudaRuntime: string | null;
  readonly cuDnn: string | null;
}

/** The addon's report, with version numbers as the libraries encode them. */
export interface NativeInfo extends Omit<TorchInfo, "cudaRuntime" | "cuDnn"> {
  /** Result of cudaRuntimeGetVersion, for example "12060". */
  readonly cudaRuntime: string | null;
  /** Result of cudnnGetVersion, for example "91002". */
  readonly cuDnn: string | null;
  /** Settings of malloc that the C library refused. They are not part of the fingerprint. */
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

/** 10000 major + 100 minor + patch since cuDNN 9 (91002 is 9.10.2); before cuDNN 9 1000 major (8902 is 8.9.2). */
function cuDnnVersion(number: number): string {
  const unit = number >= 10_000 ? 10_000 : 1000;
  return `${Math.floor(number / unit)}.${Math.floor((number % unit) / 100)}.${number % 100}`;
}
