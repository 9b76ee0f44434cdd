// loadAddon: loads the native addon, build/lockstep_torch.node. The functions of NativeAddon are documented in
// binding/addon.cc, in the same order.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { describeError, UserError } from "@lockstep/errors";
import type { HostArray } from "./dtype.js";
import type { NativeKernelName } from "./kernel-table.js";
import type { NativeInfo } from "./torch-info.js";

export interface NativeMemory {
  /** Number of the calling thread's native tensors. */
  readonly tensors: number;
  /** Bytes of all tensors of the process on the CPU, rounded up to the pool's size classes. */
  readonly bytesInUse: number;
  /** Bytes of freed tensors that the process keeps for new tensors; releasePool() gives them back to the system. */
  readonly bytesPooled: number;
  readonly nativeThreads: number;
}

export type NativeArgument = number | boolean | readonly number[];

export interface NativeAddon {
  info(): NativeInfo;
  hasCuda(): boolean;
  setDevice(device: "cpu" | "cuda"): void;
  /** Sets the array that kernels write their results to: [handle, dtype, rank, ...sizes] for each result, in order. */
  setResultBuffer(results: Int32Array): void;
  /** Copies the values to a new tensor and returns its handle. */
  upload(values: HostArray, shape: readonly number[]): number;
  /** Copies the values into an array of the tensor's dtype and size, which may be a view of a SharedArrayBuffer. */
  download(handle: number, into: HostArray): void;
  release(handle: number): void;
  memory(): NativeMemory;
  releasePool(): void;
  readonly kernels: Readonly<Record<NativeKernelName, (...args: NativeArgument[]) => void>>;
}

const addonPath = fileURLToPath(new URL("../../build/lockstep_torch.node", import.meta.url));
let loaded: NativeAddon | undefined;

/**
 * Loads the addon, once in each thread.
 * @throws UserError if it is not built or cannot be loaded, with the command to build it
 */
export function loadAddon(): NativeAddon {
  if (loaded) return loaded;
  if (!existsSync(addonPath)) {
    throw new UserError(
      `torch backend: ${addonPath} is not built: run npm run build:native (which tells how to install libtorch)`,
    );
  }
  try {
    // The addon is built from binding/; a test compares the names of its kernels with this type.
    loaded = createRequire(import.meta.url)(addonPath) as NativeAddon;
  } catch (error) {
    throw new UserError(
      `torch backend: ${addonPath} cannot be loaded (${describeError(error)}): run npm run build:native`,
    );
  }
  return loaded;
}
