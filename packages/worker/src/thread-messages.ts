// The messages between the main thread and a compute thread: ThreadSetup, ThreadReady, ThreadJob and ThreadResult.
// Large arrays are in shared buffers, and a message holds a BufferRef to each.
import type { LabelTable } from "@lockstep/dataset";
import type { BackendChoice, DeviceChoice, MicroBatchKey, PassConstants, RunRecipe } from "@lockstep/recipe";

/** The values with which a compute thread loads its engine and binds the recipe. */
export interface ThreadSetup {
  readonly backend: BackendChoice;
  readonly device?: DeviceChoice | undefined;
  readonly recipe: RunRecipe & { readonly options: Readonly<Record<string, unknown>> };
  /** The name, file or package from which the recipe is loaded. */
  readonly recipeReference: string;
  /** Height and width, pixels. */
  readonly imageSize: number;
  readonly labels: LabelTable;
  readonly trainingSamples: Uint32Array;
}

/** The engine of a compute thread; it must be the same in all threads of a worker. */
export interface ThreadReady {
  readonly backend: string;
  readonly device: string;
  /** The numerics fingerprint's content. */
  readonly numerics: Readonly<Record<string, string | number>>;
}

export interface BufferRef {
  readonly id: number;
  /** Null when an earlier message to the same thread carried the memory. */
  readonly shared: SharedArrayBuffer | null;
}

export interface MicroBatchJob<Buffer = BufferRef> {
  readonly kind: "micro-batch";
  readonly pass: "train" | "validate";
  readonly key: MicroBatchKey;
  /** Indexes into the label table; B. */
  readonly samples: Uint32Array;
  /** Positions in the epoch, or in the validation part; B. */
  readonly positions: Uint32Array;
  readonly constants: PassConstants;
  /** Flat weights. A version identifies their content in this process: tensors are created once for each version. */
  readonly weights: Buffer;
  readonly weightsVersion: number;
  /** B images from the start of the buffer. */
  readonly pixels: Buffer;
  /** Receives the contribution; null for a validation pass. */
  readonly out: Buffer | null;
}

/** into += from, float32, over the whole flat layout. */
export interface AdditionJob<Buffer = BufferRef> {
  readonly kind: "addition";
  readonly into: Buffer;
  readonly from: Buffer;
}

export type ThreadJob<Buffer = BufferRef> = MicroBatchJob<Buffer> | AdditionJob<Buffer>;

export interface MicroBatchResult {
  readonly kind: "micro-batch";
  /** In the order of the recipe's sumNames. */
  readonly sums: Float64Array;
  /** XXH3-128 of the contribution; of the sums for a validation pass. */
  readonly digest: string;
  readonly finite: boolean;
  readonly computeSeconds: number;
  /** The part of computeSeconds before the heads' outputs were downloaded; all of it for a validation pass. */
  readonly forwardSeconds: number;
  /** The time of the check for finite values and of the digest. */
  readonly sumSeconds: number;
  /** Tensors on the engine after the job. It must be equal after every micro-batch; else there is a leak. */
  readonly numTensors: number;
}

export interface AdditionResult {
  readonly kind: "addition";
  readonly sumSeconds: number;
}

export type ThreadResult = MicroBatchResult | AdditionResult;
