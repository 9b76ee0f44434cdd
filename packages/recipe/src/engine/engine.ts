// Engine: a tfjs backend that is chosen at run time, with its numerics fingerprint. torch.ts, tensorflow.ts and cpu.ts
// detect and register the backends; load-engine.ts chooses one.
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";

export const backendNames = ["torch", "tensorflow", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];
export type BackendChoice = "auto" | BackendName;
/** The device that a backend computes on. With auto it is a GPU if the backend finds one, else the processor. */
export type DeviceChoice = "auto" | "cpu" | "cuda";

export interface Engine {
  readonly backend: BackendName;
  /** tfjs-core with this backend set. tfjs has one current backend in each JavaScript thread. */
  readonly tf: Tf;
  /** For messages, for example "cpu" or a GPU's name. */
  readonly device: string;
  /** The numerics fingerprint: engines with equal fingerprints compute the same bits. */
  readonly numerics: Readonly<Record<string, string | number>>;
  /**
   * Copies a float32 tensor's values, row-major, into `out`, which may be in a SharedArrayBuffer.
   * @throws Error if the tensor is not float32, or if the lengths differ
   */
  readInto(tensor: Tensor, out: Float32Array): void;
  /**
   * Returns a new tensor with a copy of `values`, which the caller may change afterwards. The caller disposes the
   * tensor.
   */
  upload(values: Float32Array, shape: readonly number[]): Tensor;
  /** Frees the backend. This engine and its tensors are then unusable; loadEngine() makes another engine. */
  dispose(): void;
}

/**
 * Whether an engine is available on this machine. An engine that is expensive to load is described without loading it.
 */
export interface EngineDescription {
  readonly backend: BackendName;
  readonly available: boolean;
  /** One line for messages: what was found, or what is missing and how to get it. */
  readonly detail: string;
}

/** A backend that is registered with tfjs, and its part of the fingerprint. */
export interface RegisteredBackend {
  readonly device: string;
  readonly numerics: Readonly<Record<string, string | number>>;
  /** Warnings for the log, one line each. */
  readonly warnings?: readonly string[];
}

/** An engine that loadEngine may choose. */
export interface EngineCandidate {
  readonly backend: BackendName;
  /** The engine is described as not available if it cannot compute on that device. */
  describe(device: DeviceChoice): Promise<EngineDescription>;
  /**
   * Registers the backend with tfjs.
   * @throws UserError if the backend is not available
   */
  register(tf: Tf, device: DeviceChoice): Promise<RegisteredBackend>;
}
