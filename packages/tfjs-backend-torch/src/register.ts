// Owns the backend's registration with TensorFlow.js, and what can be said of it without using it.
import { describeError, UserError } from "@lockstep/errors";
import { registerBackend, registerKernel } from "@tensorflow/tfjs-core";
import { TorchBackend } from "./backend.js";
import { registerGradients } from "./gradients/register.js";
import { allKernels } from "./kernels/all.js";
import { loadAddon } from "./native/addon.js";
import { type TorchInfo, torchInfoOf } from "./native/torch-info.js";

export type TorchDevice = "auto" | "cpu" | "cuda";

export interface TorchBackendInfo {
  readonly device: "cpu" | "cuda";
  readonly info: TorchInfo;
  /** Settings of malloc that the C library did not accept, e.g. "M_TOP_PAD=67108864"; null where there are none. */
  readonly refusedSettings: string | null;
}

export type TorchStatus =
  | { readonly available: true; readonly info: TorchInfo }
  /** Why not, and what to do. */
  | { readonly available: false; readonly reason: string };

const backendName = "torch";
/** Above the cpu backend's 1, so that TensorFlow.js prefers it when nobody chooses. */
const priority = 4;

let registration: TorchBackendInfo | undefined;

/**
 * Registers backend "torch", its kernels and the gradients, for the calling thread; choose it by tf.setBackend("torch").
 * Sets one native thread. Device auto takes CUDA where libtorch sees one. Throws UserError where the addon is not built
 * or the device is not there, or when it was registered for another device before.
 */
export async function registerTorchBackend({
  device = "auto",
}: {
  device?: TorchDevice;
} = {}): Promise<TorchBackendInfo> {
  const addon = loadAddon();
  if (device === "cuda" && !addon.hasCuda()) {
    throw new UserError(
      "torch backend: device cuda: libtorch sees no CUDA device; use cpu, or a CUDA build of libtorch",
    );
  }
  const chosen = device === "auto" ? (addon.hasCuda() ? "cuda" : "cpu") : device;
  if (registration) {
    if (registration.device === chosen) return registration;
    throw new UserError(
      `torch backend: device ${chosen}: already registered for ${registration.device} in this thread`,
    );
  }
  registerGradients();
  for (const [kernelName, kernelFunc] of Object.entries(allKernels)) {
    registerKernel({ kernelName, backendName, kernelFunc });
  }
  registerBackend(backendName, () => new TorchBackend(addon, chosen), priority);
  const native = addon.info();
  registration = { device: chosen, info: torchInfoOf(native), refusedSettings: native.refusedSettings };
  return registration;
}

/** Versions and instruction sets underneath. Throws UserError where the addon is not built. */
export function torchInfo(): TorchInfo {
  return torchInfoOf(loadAddon().info());
}

/** Gives the memory of freed tensors back to the system. */
export function releasePool(): void {
  loadAddon().releasePool();
}

/** Never throws. */
export function torchStatus(): TorchStatus {
  try {
    return { available: true, info: torchInfo() };
  } catch (error) {
    return { available: false, reason: describeError(error) };
  }
}
