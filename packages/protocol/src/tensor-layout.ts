// Computes the flat layout of a model's tensors with `createLayout`: their places in one float32 array, which the coordinator
// adds, updates and stores without the model's code. Trainable parameters come first, sorted by name, then batch-norm
// statistics, sorted by name.
import { createHash } from "node:crypto";
import { z } from "zod";
import { canonicalSha256 } from "./run-spec.js";

export const tensorEntry = z.strictObject({
  name: z.string().min(1),
  shape: z.array(z.number().int().positive()),
  /** A parameter has a gradient. A statistic is a running mean or variance, updated with `momentum`. */
  kind: z.enum(["parameter", "statistic"]),
  /** Statistics only: the weight of the new value, as in PyTorch (0.1). */
  momentum: z.number().gt(0).lte(1).optional(),
  /** Parameters only: false for a parameter without weight decay (biases, norms). */
  decay: z.boolean().optional(),
});
export type TensorEntry = z.infer<typeof tensorEntry>;

export interface PlacedTensor extends TensorEntry {
  /** Number of elements before this tensor in the flat array. */
  readonly offset: number;
  /** Number of elements of this tensor. */
  readonly size: number;
}

export interface TensorLayout {
  readonly tensors: readonly PlacedTensor[];
  /** Number of elements of all parameters, which come first. */
  readonly numParameters: number;
  /** Number of elements of all statistics. */
  readonly numStatistics: number;
  /** numParameters + numStatistics. */
  readonly numElements: number;
  /** SHA-256 (hex) of the entries. Coordinator and worker must have the same. */
  readonly sha256: string;
}

/** @throws Error if two tensors have the same name */
export function createLayout(entries: readonly TensorEntry[]): TensorLayout {
  const byKindThenName = [...entries].sort((a, b) =>
    a.kind === b.kind ? (a.name < b.name ? -1 : 1) : a.kind === "parameter" ? -1 : 1,
  );
  const names = new Set(byKindThenName.map((entry) => entry.name));
  if (names.size !== entries.length) throw new Error("tensor layout: two tensors have the same name");
  let offset = 0;
  let numParameters = 0;
  const tensors = byKindThenName.map((entry) => {
    const size = entry.shape.reduce((product, side) => product * side, 1);
    const placed = { ...entry, offset, size };
    offset += size;
    if (entry.kind === "parameter") numParameters += size;
    return placed;
  });
  return {
    tensors,
    numParameters,
    numStatistics: offset - numParameters,
    numElements: offset,
    sha256: canonicalSha256(byKindThenName),
  };
}

const pieceElements = 2 ** 24;

/**
 * SHA-256 (hex) of all tensors sorted by name, statistics included, as little-endian float32. It identifies a run's result.
 * @throws Error if the number of weights does not fit the layout
 */
export function weightsSha256(layout: TensorLayout, weights: Float32Array): string {
  if (weights.length !== layout.numElements) {
    throw new Error(`weights have ${weights.length} elements, the layout has ${layout.numElements}`);
  }
  const hash = createHash("sha256");
  for (const { offset, size } of [...layout.tensors].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    // In pieces, because Node hashes less than 2 GiB in one call.
    for (let done = 0; done < size; done += pieceElements) {
      const elements = Math.min(pieceElements, size - done);
      hash.update(new Uint8Array(weights.buffer, weights.byteOffset + 4 * (offset + done), 4 * elements));
    }
  }
  return hash.digest("hex");
}
