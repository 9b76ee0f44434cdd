// Owns what the main thread asks of a compute thread. Big arrays never travel in a message: they lie in shared buffers,
// whose memory is handed over the first time a thread hears of one.
import type { LabelTable } from "@lockstep/dataset";
import type { BackendChoice, DeviceChoice, MicroBatchKey, PassConstants, RunRecipe } from "@lockstep/recipe";

/** What a compute thread needs to load its engine and bind the recipe. */
export interface ThreadSetup {
  readonly backend: BackendChoice;
  readonly device?: DeviceChoice | undefined;
  readonly recipe: RunRecipe & { readonly options: Readonly<Record<string, unknown>> };
  /** Where it is loaded from. */
  readonly recipeReference: string;
  /** Height and width, pixels. */
  readonly imageSize: number;
  readonly labels: LabelTable;
  readonly trainingSamples: Uint32Array;
}

/** What a compute thread computes with; all threads of a worker must say the same. */
export interface ThreadReady {
  readonly backend: string;
  readonly device: string;
  /** The numerics fingerprint's content. */
  readonly numerics: Readonly<Record<string, string | number>>;
}

export interface BufferRef {
  readonly id: number;
  /** Null when the thread was told before. */
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
  /** Flat weights. A version names one content for the life of the process: tensors are made once for each. */
  readonly weights: Buffer;
  readonly weightsVersion: number;
  /** B images from the start of the buffer. */
  readonly pixels: Buffer;
  /** Where the contribution goes; null for a validation pass. */
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
  /** The part of computeSeconds until the heads' outputs were there; all of it for a validation pass. */
  readonly forwardSeconds: number;
  /** Check and digest. */
  readonly sumSeconds: number;
  /** Tensors alive on the engine afterwards: equal after every micro-batch, or something leaks. */
  readonly numTensors: number;
}

export interface AdditionResult {
  readonly kind: "addition";
  readonly sumSeconds: number;
}

export type ThreadResult = MicroBatchResult | AdditionResult;
