// TorchBackend: the TensorFlow.js backend. It maps data ids to native tensors, counts references, uploads and
// downloads. kernels/ computes.
//
// Invariants: a data id has one contiguous native tensor, with the shape that it was created with. Reshape shares the
// data id, as in TensorFlow.js' own backends; the native view of another shape is created when a kernel first uses it.
import {
  type BackendTimingInfo,
  type BackendValues,
  type DataId,
  type DataType,
  engine,
  KernelBackend,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import type { NativeAddon, NativeArgument, NativeMemory } from "./native/addon.js";
import { dtypes, emptyHostArray, type HostArray, hostArrayOf, type TorchDType, torchDType } from "./native/dtype.js";
import type { NativeKernelName } from "./native/kernel-table.js";

interface View {
  readonly shape: readonly number[];
  readonly handle: number;
}

interface Entry extends View {
  readonly dtype: TorchDType;
  refCount: number;
  views: View[] | null;
}

/** An argument of a kernel: a tensor, a list of tensors, null for an absent tensor, or a plain value. */
export type KernelArgument = TensorInfo | readonly TensorInfo[] | NativeArgument | null;

const resultBufferLength = 256;

export class TorchBackend extends KernelBackend {
  readonly device: "cpu" | "cuda";
  readonly #addon: NativeAddon;
  readonly #entries = new Map<DataId, Entry>();
  readonly #results = new Int32Array(resultBufferLength);

  constructor(addon: NativeAddon, device: "cpu" | "cuda") {
    super();
    this.#addon = addon;
    this.device = device;
    addon.setDevice(device);
    addon.setResultBuffer(this.#results);
  }

  // --- for kernels --------------------------------------------------------------------------------------------------

  /** Runs a native kernel with one result. */
  run(name: NativeKernelName, ...args: readonly KernelArgument[]): TensorInfo {
    this.#call(name, args);
    return this.#takeResult(0).info;
  }

  /** Runs a native kernel with `count` results. */
  runMany(name: NativeKernelName, count: number, ...args: readonly KernelArgument[]): TensorInfo[] {
    this.#call(name, args);
    const out: TensorInfo[] = [];
    let position = 0;
    for (let i = 0; i < count; i++) {
      const { info, next } = this.#takeResult(position);
      out.push(info);
      position = next;
    }
    return out;
  }

  /** The same data under another shape. */
  share(x: TensorInfo, shape: number[]): TensorInfo {
    this.incRef(x.dataId);
    return { dataId: x.dataId, shape, dtype: x.dtype };
  }

  /** Disposes intermediate tensors of a kernel, which the kernel does not return. */
  discard(...tensors: readonly TensorInfo[]): void {
    for (const tensor of tensors) this.disposeData(tensor.dataId);
  }

  // --- KernelBackend ------------------------------------------------------------------------------------------------

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: DataId, values: BackendValues, shape: number[], dtype: DataType, refCount: number): void {
    const supported = torchDType(dtype, "write");
    // Only values of dtype string are not numbers, and torchDType has refused them.
    const handle = this.#addon.upload(hostArrayOf(supported, values as ArrayLike<number>), shape);
    this.#entries.set(dataId, { handle, shape, dtype: supported, refCount, views: null });
  }

  /** Copies a tensor's values directly into `out`, which must have the tensor's dtype and size. */
  readInto(dataId: DataId, out: HostArray): void {
    this.#addon.download(this.#entry(dataId).handle, out);
  }

  /** Replaces the values of a data id by a copy of `values`, which must have the same dtype and size. */
  writeFrom(dataId: DataId, values: HostArray): void {
    const entry = this.#entry(dataId);
    const handle = this.#addon.upload(hostArrayOf(entry.dtype, values), entry.shape);
    this.#releaseEntry(entry);
    this.#entries.set(dataId, { ...entry, handle, views: null });
  }

  override readSync(dataId: DataId): BackendValues {
    const { dtype, shape } = this.#entry(dataId);
    const out = emptyHostArray(
      dtype,
      shape.reduce((product, size) => product * size, 1),
    );
    this.readInto(dataId, out);
    return out;
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const entry = this.#entries.get(dataId);
    if (!entry) return true;
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    this.#releaseEntry(entry);
    this.#entries.delete(dataId);
    return true;
  }

  override refCount(dataId: DataId): number {
    return this.#entries.get(dataId)?.refCount ?? 0;
  }

  override incRef(dataId: DataId): void {
    this.#entry(dataId).refCount++;
  }

  override numDataIds(): number {
    return this.#entries.size;
  }

  /** tf.memory() adds these to its own numbers. The bytes are those of the whole process. */
  override memory(): { unreliable: boolean } & NativeMemory {
    return { unreliable: false, ...this.#addon.memory() };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override async time(work: () => void): Promise<BackendTimingInfo> {
    const start = performance.now();
    work();
    return { kernelMs: performance.now() - start };
  }

  override dispose(): void {
    for (const entry of this.#entries.values()) this.#releaseEntry(entry);
    this.#entries.clear();
  }

  // --- handles ------------------------------------------------------------------------------------------------------

  #call(name: NativeKernelName, args: readonly KernelArgument[]): void {
    const native = args.map((arg) => this.#argument(arg));
    this.#addon.kernels[name](...native);
  }

  #argument(arg: KernelArgument): NativeArgument {
    if (typeof arg === "number" || typeof arg === "boolean") return arg;
    if (arg === null) return -1;
    if ("dataId" in arg) return this.#handle(arg);
    return arg.map((each) => (typeof each === "number" ? each : this.#handle(each)));
  }

  #entry(dataId: DataId): Entry {
    const entry = this.#entries.get(dataId);
    if (entry) return entry;
    // The tensor belongs to another backend: moveData reads it there and calls move() of this backend.
    (engine() as unknown as { moveData(backend: KernelBackend, dataId: DataId): void }).moveData(this, dataId);
    const moved = this.#entries.get(dataId);
    if (!moved) throw new Error("torch backend: a tensor was used after it was disposed");
    return moved;
  }

  #handle(info: TensorInfo): number {
    const entry = this.#entry(info.dataId);
    if (sameShape(entry.shape, info.shape)) return entry.handle;
    const known = entry.views?.find((view) => sameShape(view.shape, info.shape));
    if (known) return known.handle;
    this.#addon.kernels.Reshape(entry.handle, info.shape);
    const view = { shape: info.shape.slice(), handle: this.#results[0] ?? -1 };
    entry.views = [...(entry.views ?? []), view];
    return view.handle;
  }

  #takeResult(position: number): { info: TensorInfo; next: number } {
    const results = this.#results;
    const handle = results[position] ?? -1;
    const dtype = dtypes[results[position + 1] ?? 0] ?? "float32";
    const next = position + 3 + (results[position + 2] ?? 0);
    const shape = Array.from(results.subarray(position + 3, next));
    const dataId = {};
    this.#entries.set(dataId, { handle, shape, dtype, refCount: 1, views: null });
    return { info: { dataId, shape, dtype }, next };
  }

  #releaseEntry(entry: Entry): void {
    for (const view of entry.views ?? []) this.#addon.release(view.handle);
    this.#addon.release(entry.handle);
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
