// Prepares a tiny run for tests, with three tensors and made-up metrics: `tinyRun`, and `prepareFolder` for its folder.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckpointStore, type Snapshot } from "@lockstep/checkpoint";
import {
  canonicalJson,
  canonicalSha256,
  createLayout,
  type EarlyStopSpec,
  type RunDescription,
  type TensorLayout,
} from "@lockstep/protocol";

export interface TinyRun {
  readonly run: RunDescription;
  readonly layout: TensorLayout;
  readonly runSpecSha256: string;
}

/** By default 44 training samples in steps of 16, 16 and 12, and 10 validation samples, in micro-batches of 4. */
export function tinyRun({
  epochs = 2,
  valSamples = 10,
  kernelRows = 5,
  learningRate = 0.01,
  globalBatch = 16,
  earlyStop,
}: {
  epochs?: number;
  valSamples?: number;
  kernelRows?: number;
  learningRate?: number;
  globalBatch?: number;
  earlyStop?: EarlyStopSpec;
} = {}): TinyRun {
  const run: RunDescription = {
    spec: {
      formatVersion: 2,
      dataset: {
        kind: "synthetic",
        fingerprint: "f1",
        split: "official",
        subset: 1,
        samples: { train: 44, val: valSamples, test: 0 },
      },
      imageSize: 8,
      recipe: { name: "made-up", options: {} },
      optimizer: {
        name: "adam",
        learningRate,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        momentum: 0,
        weightDecay: 0,
        clipNorm: 1,
      },
      schedule: { name: "cosine", warmupSteps: 2, finalFraction: 0.1 },
      epochs,
      ...(earlyStop === undefined ? {} : { earlyStop }),
      microBatch: 4,
      globalBatch,
      seed: 7,
      precision: "f32",
    },
    tensors: [
      { name: "kernel", shape: [kernelRows, 3], kind: "parameter" },
      { name: "bias", shape: [3], kind: "parameter", decay: false },
      { name: "mean", shape: [3], kind: "statistic", momentum: 0.1 },
    ],
    sumNames: ["loss", "correct", "samples"],
    metrics: [
      { name: "loss", numerator: "loss", denominator: null, squareRoot: false, unit: "nats" },
      { name: "accuracy", numerator: "correct", denominator: "samples", squareRoot: false, unit: "fraction" },
    ],
  };
  return { run, layout: createLayout(run.tensors), runSpecSha256: canonicalSha256(run.spec) };
}

/** The snapshot of step 0, as the launcher writes it. */
export function firstSnapshot({ run, layout }: TinyRun): Snapshot {
  return {
    runSpec: run.spec,
    layout,
    weights: Float32Array.from({ length: layout.numElements }, (_, index) => Math.fround(0.1 * (index % 7) - 0.3)),
    optimizerState: [],
    position: { step: 0, epoch: 0, stepInEpoch: 0, validationRecorded: false },
    epochSums: [],
    epochSamples: 0,
    validation: null,
    numerics: {},
    pixelsSha256: null,
    coordinatorGeneration: 0,
    bookkeeping: {},
  };
}

/** Creates the folder of a prepared run. */
export async function prepareFolder(tiny: TinyRun): Promise<{ out: string; remove: () => Promise<void> }> {
  const out = await mkdtemp(join(tmpdir(), "lockstep-coordinator-"));
  await writeFile(join(out, "run.json"), canonicalJson(tiny.run));
  const store = new CheckpointStore(join(out, "checkpoints"));
  await store.prepare();
  await store.write(firstSnapshot(tiny));
  return { out, remove: () => rm(out, { recursive: true, force: true }) };
}
