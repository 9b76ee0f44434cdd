// Defines `Snapshot`, the state that is written as a checkpoint, and translates it into tensors and a manifest.
import {
  canonicalSha256,
  createLayout,
  type PlacedTensor,
  type RunSpec,
  type TensorEntry,
  type TensorLayout,
  tensorEntry,
} from "@lockstep/protocol";
import { type CheckpointManifest, type CheckpointPosition, checkpointFormatVersion, storeNumber } from "./manifest.js";
import type { NamedTensor } from "./safetensors-write.js";

export type JsonValue = CheckpointManifest["bookkeeping"][string];

export interface OptimizerState {
  /** For example `firstMoment`. */
  readonly name: string;
  readonly values: Float32Array;
}

/** The state of a run between two commits. The writer takes the arrays' buffers over: pass copies that nobody else uses. */
export interface Snapshot {
  readonly runSpec: RunSpec;
  readonly layout: TensorLayout;
  /** layout.numElements values. */
  readonly weights: Float32Array;
  readonly optimizerState: readonly OptimizerState[];
  readonly position: CheckpointPosition;
  /** Metric sums of the running epoch's training steps, in the recipe's order. */
  readonly epochSums: readonly number[];
  /** Training samples of the running epoch so far. */
  readonly epochSamples: number;
  /** Metrics of a validation pass with exactly these weights; the best checkpoint is chosen by `loss`. Null without a pass. */
  readonly validation: Readonly<Record<string, number>> | null;
  readonly numerics: Readonly<Record<string, JsonValue>>;
  readonly pixelsSha256: string | null;
  readonly coordinatorGeneration: number;
  /** Counters that continue after a resume and do not influence the weights. */
  readonly bookkeeping: Readonly<Record<string, JsonValue>>;
}

/** The manifest's fields that are known before the files are written. */
export function manifestOf(snapshot: Snapshot): object {
  const { runSpec, layout, position, epochSums, epochSamples, validation } = snapshot;
  return {
    formatVersion: checkpointFormatVersion,
    runSpec,
    runSpecSha256: canonicalSha256(runSpec),
    tensors: layout.tensors.map(entryOf),
    layoutSha256: layout.sha256,
    position,
    epochSums: epochSums.map(storeNumber),
    epochSamples,
    validation: validation && Object.fromEntries(Object.entries(validation).map(([k, v]) => [k, storeNumber(v)])),
    numerics: snapshot.numerics,
    pixelsSha256: snapshot.pixelsSha256,
    coordinatorGeneration: snapshot.coordinatorGeneration,
    bookkeeping: snapshot.bookkeeping,
  };
}

/** The layout's tensors as views of the flat weights, sorted by name. @throws Error if the length does not fit the layout */
export function weightTensors(layout: TensorLayout, weights: Float32Array): NamedTensor[] {
  if (weights.length !== layout.numElements) {
    throw new Error(`checkpoint: weights have ${weights.length} elements, the layout has ${layout.numElements}`);
  }
  return [...layout.tensors]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, shape, offset, size }) => ({ name, shape, values: weights.subarray(offset, offset + size) }));
}

export function optimizerTensors(state: readonly OptimizerState[]): NamedTensor[] {
  return state.map(({ name, values }) => ({ name, shape: [values.length], values }));
}

/** The layout that a manifest describes. @throws Error if its digest is not the one that the manifest records */
export function layoutOf(manifest: CheckpointManifest): TensorLayout {
  const layout = createLayout(manifest.tensors);
  if (layout.sha256 !== manifest.layoutSha256) {
    throw new Error(
      `the manifest's tensors have layout ${layout.sha256}, the manifest records ${manifest.layoutSha256}`,
    );
  }
  return layout;
}

/** Drops offset and size, which createLayout computes again. */
function entryOf(tensor: PlacedTensor): TensorEntry {
  const { offset: _offset, size: _size, ...entry } = tensor;
  return tensorEntry.parse(entry);
}
