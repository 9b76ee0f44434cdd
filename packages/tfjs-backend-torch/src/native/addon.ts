// Owns the loading of build/lockstep_torch.node and its type. What the functions do is said in binding/addon.cc; the
// order is the same there.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { describeError, UserError } from "@lockstep/errors";
import type { HostArray } from "./dtype.js";
import type { NativeKernelName } from "./kernel-table.js";
import type { NativeInfo } from "./torch-info.js";

export interface NativeMemory {
  /** Live handles of the calling thread. */
  readonly tensors: number;
  /** Tensors' bytes on the CPU in the whole process, rounded up to the pool's size classes. */
  readonly bytesInUse: number;
  /** Freed bytes kept for the next tensors; releasePool() gives them back. */
  readonly bytesPooled: number;
  readonly nativeThreads: number;
}

export type NativeArgument = number | boolean | readonly number[];

export interface NativeAddon {
  info(): NativeInfo;
  hasCuda(): boolean;
  setDevice(device: "cpu" | "cuda"): void;
  /** Where kernels write their results: [handle, dtype, rank, ...sizes] each, one after another. */
  setResultBuffer(results: Int32Array): void;
  /** Copies; returns a handle. */
  upload(values: HostArray, shape: readonly number[]): number;
  /** Copies into an array of the tensor's dtype and size, which may be a view of a SharedArrayBuffer. */
  download(handle: number, into: HostArray): void;
  release(handle: number): void;
  memory(): NativeMemory;
  releasePool(): void;
  readonly kernels: Readonly<Record<NativeKernelName, (...args: NativeArgument[]) => void>>;
}

const addonPath = fileURLToPath(new URL("../../build/lockstep_torch.node", import.meta.url));
let loaded: NativeAddon | undefined;

/** Loads the addon once a thread. Throws UserError that says how to build it. */
export function loadAddon(): NativeAddon {
  if (loaded) return loaded;
  if (!existsSync(addonPath)) {
    throw new UserError(
      `torch backend: ${addonPath} is not built: run npm run build:native (it says how to get libtorch)`,
    );
  }
  try {
    // The file is ours, built from binding/; a test compares its functions with these types.
    loaded = createRequire(import.meta.url)(addonPath) as NativeAddon;
  } catch (error) {
    throw new UserError(
      `torch backend: ${addonPath} cannot be loaded (${describeError(error)}): run npm run build:native`,
    );
  }
  return loaded;
}
