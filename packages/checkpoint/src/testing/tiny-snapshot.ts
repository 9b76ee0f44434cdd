// Makes a small snapshot for tests with `tinySnapshot`: two parameters, one statistic, Adam's two moments.
import { createLayout, type RunSpec } from "@lockstep/protocol";
import type { Snapshot } from "../snapshot.js";

export const tinySpec: RunSpec = {
  formatVersion: 2,
  dataset: {
    kind: "synthetic",
    fingerprint: "f".repeat(64),
    split: "official",
    subset: 1,
    samples: { train: 100, val: 20, test: 0 },
  },
  imageSize: 8,
  recipe: { name: "fairface", options: { blocks: [2], dropout: 0.5 } },
  optimizer: {
    name: "adam",
    learningRate: 1e-4,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    momentum: 0,
    weightDecay: 0,
    clipNorm: null,
  },
  schedule: { name: "constant", warmupSteps: 0, finalFraction: 0 },
  epochs: 1,
  microBatch: 32,
  globalBatch: 64,
  seed: 7,
  precision: "f32",
};

export const tinyLayout = createLayout([
  { name: "head.weight", shape: [2, 3], kind: "parameter" },
  { name: "block.weight", shape: [4], kind: "parameter", decay: false },
  { name: "block.mean", shape: [2], kind: "statistic", momentum: 0.1 },
]);

/** A snapshot whose values depend on the step. */
export function tinySnapshot(step: number, changes: Partial<Snapshot> = {}): Snapshot {
  const values = (count: number, first: number) => Float32Array.from({ length: count }, (_, i) => first + i / 8);
  return {
    runSpec: tinySpec,
    layout: tinyLayout,
    weights: values(tinyLayout.numElements, step),
    optimizerState: [
      { name: "m", values: values(tinyLayout.numParameters, 100 + step) },
      { name: "v", values: values(tinyLayout.numParameters, 200 + step) },
    ],
    position: { step, epoch: 0, stepInEpoch: step, validationRecorded: false },
    epochSums: [0.1 + 0.2, 64 * step],
    epochSamples: 64 * step,
    validation: null,
    numerics: { backend: "cpu", nativeThreads: 1 },
    pixelsSha256: null,
    coordinatorGeneration: 1,
    bookkeeping: { leasesRedone: 2, microBatchesByWorker: { "0": 5 } },
    ...changes,
  };
}
