// Owns what an engine is: a tfjs backend chosen at run time, with its numerics fingerprint. How each is found stands in
// torch.ts, tensorflow.ts and cpu.ts; which is taken, in load-engine.ts.
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Tf } from "../recipe.js";

export const backendNames = ["torch", "tensorflow", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];
export type BackendChoice = "auto" | BackendName;
/** Where a backend computes: auto is a GPU that it sees, else the processor. */
export type DeviceChoice = "auto" | "cpu" | "cuda";

export interface Engine {
  readonly backend: BackendName;
  /** tfjs-core, with this backend set. tfjs has one backend a JavaScript thread. */
  readonly tf: Tf;
  /** For people, e.g. "cpu" or a GPU's name. */
  readonly device: string;
  /** The numerics fingerprint: engines that agree in all of it compute the same bits. */
  readonly numerics: Readonly<Record<string, string | number>>;
  /** Copies a float32 tensor's values, row-major, into `out`, which may lie in a SharedArrayBuffer; throws when the lengths differ. */
  readInto(tensor: Tensor, out: Float32Array): void;
  /** A new tensor with a copy of `values`, which the caller may change after; the caller disposes it. */
  upload(values: Float32Array, shape: readonly number[]): Tensor;
  /** Frees the backend; this engine and its tensors are unusable then, loadEngine() makes another. */
  dispose(): void;
}

/** Whether an engine can be had on this machine, without loading it where that is heavy. */
export interface EngineDescription {
  readonly backend: BackendName;
  readonly available: boolean;
  /** One line for people: what was found, or what is missing and how to get it. */
  readonly detail: string;
}

/** A backend that is registered with tfjs, and what of it belongs to the fingerprint. */
export interface RegisteredBackend {
  readonly device: string;
  readonly numerics: Readonly<Record<string, string | number>>;
  /** For people, one line each. */
  readonly warnings?: readonly string[];
}

export interface EngineCandidate {
  readonly backend: BackendName;
  /** Not available where it does not compute on that device. */
  describe(device: DeviceChoice): Promise<EngineDescription>;
  /** Registers the backend with tfjs; UserError when it cannot be had. */
  register(tf: Tf, device: DeviceChoice): Promise<RegisteredBackend>;
}
