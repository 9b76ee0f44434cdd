// registerTorchBackend: registers the backend with TensorFlow.js. torchStatus reports whether the backend is available.
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
  /** Settings of malloc that the C library refused, for example "M_TOP_PAD=67108864"; null if it refused none. */
  readonly refusedSettings: string | null;
}

export type TorchStatus =
  | { readonly available: true; readonly info: TorchInfo }
  /** `reason` tells why the backend is not available and what to do. */
  | { readonly available: false; readonly reason: string };

const backendName = "torch";
/** Greater than the cpu backend's priority, 1, so that TensorFlow.js prefers this backend if none is set. */
const priority = 4;

let registration: TorchBackendInfo | undefined;

/**
 * Registers the backend "torch", its kernels and the gradients for the calling thread, and limits libtorch to one
 * native thread. Choose the backend by tf.setBackend("torch"). Device auto is CUDA if libtorch finds a CUDA device,
 * else the processor.
 * @throws UserError if the addon is not built, if the device is absent, or if the thread has registered another device
 */
export async function registerTorchBackend({
  device = "auto",
}: {
  device?: TorchDevice;
} = {}): Promise<TorchBackendInfo> {
  const addon = loadAddon();
  if (device === "cuda" && !addon.hasCuda()) {
    throw new UserError(
      "torch backend: device cuda: libtorch finds no CUDA device; use device cpu, or a CUDA build of libtorch",
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

/** The libraries' versions and instruction sets. @throws UserError if the addon is not built */
export function torchInfo(): TorchInfo {
  return torchInfoOf(loadAddon().info());
}

/** Gives the memory of freed tensors back to the operating system. */
export function releasePool(): void {
  loadAddon().releasePool();
}

/** Whether the backend is available. It does not throw. */
export function torchStatus(): TorchStatus {
  try {
    return { available: true, info: torchInfo() };
  } catch (error) {
    return { available: false, reason: describeError(error) };
  }
}
