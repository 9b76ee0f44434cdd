// Owns running a checkpoint's weights over a part of its data set, in one process, each image once.
//
// B batch, H height, W width, C channels
import { type LoadedCheckpoint, loadCheckpoint } from "@lockstep/checkpoint";
import {
  type DataOptions,
  type Dataset,
  everySample,
  type LabelSchema,
  openDataset,
  openImageCache,
  type Progress,
  splitDataset,
} from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { evaluateMetrics, type RunSpec } from "@lockstep/protocol";
import {
  type BackendChoice,
  type Engine,
  type EngineLog,
  type EvaluationResult,
  loadEngine,
  loadRecipe,
  type MicroBatch,
  type Recipe,
  type Weights,
} from "@lockstep/recipe";
import { type CheckpointChoice, chooseCheckpoint } from "./choose-checkpoint.js";
import { type EvaluationReport, type Predictions, reportTasks } from "./evaluation-report.js";

export interface EvaluateOptions {
  /** A checkpoint's folder, or a run's. */
  readonly checkpoint: string;
  /** Which of a run's checkpoints: the newest sound one (default), or the one of least validation loss. */
  readonly choice?: CheckpointChoice;
  /** The data set that the run was trained on, in any form. */
  readonly dataOptions: DataOptions;
  readonly part: "val" | "test";
  readonly cacheDir: string;
  readonly backend: BackendChoice;
  readonly log: EngineLog;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

export type EvaluationProgress =
  | Progress
  | { readonly stage: "evaluating"; readonly done: number; readonly total: number };

/** UserError on a broken checkpoint, another data set, or an empty part. */
export async function evaluateCheckpoint(options: EvaluateOptions): Promise<EvaluationReport> {
  const { log } = options;
  const chosen = await chooseCheckpoint(options.checkpoint, options.choice ?? "last");
  for (const skipped of chosen.skipped) log.warn(skipped, `skipped checkpoint ${skipped.path}: ${skipped.reason}`);
  const checkpoint = await loadCheckpoint(chosen);
  const spec = checkpoint.manifest.runSpec;
  const definition = await loadRecipe(spec.recipe.name);
  const dataset = await openSameDataset(options, definition.labels, spec);
  const split = splitDataset(dataset, { split: spec.dataset.split, subset: spec.dataset.subset, seed: spec.seed });
  const samples = split[options.part];
  if (samples.length === 0) throw emptyPart(options.part, spec);
  const recipe = definition.bind({
    options: spec.recipe.options,
    imageSize: spec.imageSize,
    labels: dataset.labels,
    trainingSamples: split.train,
  });
  const cache = await openImageCache({
    dataset,
    samples: everySample(split), // so that training's cache is met
    imageSize: spec.imageSize,
    cacheDir: options.cacheDir,
    log,
    onProgress: options.onProgress,
    signal: options.signal,
  });
  try {
    const engine = await loadEngine({ backend: options.backend, log });
    try {
      const start = performance.now();
      const pass = await runPass({ engine, recipe, checkpoint, samples, pixels: cache, options });
      const seconds = (performance.now() - start) / 1000;
      return {
        checkpoint: {
          path: chosen.path,
          step: checkpoint.manifest.position.step,
          epoch: checkpoint.manifest.position.epoch,
          weightsSha256: checkpoint.manifest.weightsSha256,
        },
        data: options.dataOptions.data,
        part: options.part,
        samples: samples.length,
        backend: engine.backend,
        device: engine.device,
        seconds,
        metrics: evaluateMetrics(recipe.metrics, recipe.sumNames, pass.sums),
        ...reportTasks(dataset.labels, samples, pass.predictions),
      };
    } finally {
      engine.dispose();
    }
  } finally {
    await cache.close();
  }
}

async function openSameDataset(
  { dataOptions, cacheDir, log, onProgress, signal }: EvaluateOptions,
  schema: LabelSchema,
  spec: RunSpec,
): Promise<Dataset> {
  const dataset = await openDataset({ ...dataOptions, schema, cacheDir, log, onProgress, signal });
  if (dataset.fingerprint !== spec.dataset.fingerprint) {
    throw new UserError(
      `data ${dataOptions.data}: has fingerprint ${dataset.fingerprint.slice(0, 12)}, the checkpoint was trained on ${spec.dataset.kind} ${spec.dataset.fingerprint.slice(0, 12)}; name that data set (--data)`,
    );
  }
  return dataset;
}

function emptyPart(part: "val" | "test", { dataset: { split, subset } }: RunSpec): UserError {
  return part === "test" && split === "official"
    ? new UserError(
        "part test: the run's split is official, which has no test part; evaluate --part val, or train with --split random",
      )
    : new UserError(
        `part ${part}: has no samples in the run's ${split} split with subset ${subset}; train with a larger --subset`,
      );
}

interface Pass {
  readonly engine: Engine;
  readonly recipe: Recipe;
  readonly checkpoint: LoadedCheckpoint;
  readonly samples: Uint32Array;
  readonly pixels: { read(sample: number, into: Uint8Array, offset: number): Promise<void> };
  readonly options: EvaluateOptions;
}

/** Micro-batches of the run's size, in order; sums are added in that order. */
async function runPass(pass: Pass): Promise<{ sums: Float64Array; predictions: Predictions }> {
  const { engine, recipe, checkpoint, samples, options } = pass;
  const { microBatch } = checkpoint.manifest.runSpec;
  const weights = uploadWeights(engine, checkpoint);
  const constants = recipe.passConstants(samples);
  const sums = new Float64Array(recipe.sumNames.length);
  const predictions = { gender: [] as number[], race: [] as number[], age: [] as number[] };
  try {
    for (let first = 0; first < samples.length; first += microBatch) {
      options.signal?.throwIfAborted();
      const batch = await readBatch(pass, first, samples.subarray(first, first + microBatch));
      const result = recipe.evaluate(engine.tf, weights, batch, constants);
      checkFinite(result.sums, first, checkpoint);
      result.sums.forEach((value, i) => {
        sums[i] = (sums[i] ?? 0) + value;
      });
      predictions.gender.push(...rows(result, "gender").map(([logit = Number.NaN]) => Number(logit > 0)));
      predictions.race.push(...rows(result, "race").map(greatest));
      predictions.age.push(...rows(result, "age").map(([years = Number.NaN]) => years));
      options.onProgress?.({ stage: "evaluating", done: first + batch.samples.length, total: samples.length });
    }
  } finally {
    for (const weight of Object.values(weights)) weight.dispose();
  }
  return { sums, predictions };
}

function checkFinite(sums: Float64Array, first: number, { manifest }: LoadedCheckpoint): void {
  if (sums.every(Number.isFinite)) return;
  throw new UserError(
    `the weights of step ${manifest.position.step} give no finite predictions from image ${first} on: the training diverged; evaluate an earlier checkpoint`,
  );
}

function uploadWeights(engine: Engine, { layout, weights }: LoadedCheckpoint): Weights {
  return Object.fromEntries(
    layout.tensors.map(({ name, shape, offset, size }) => [
      name,
      engine.upload(weights.subarray(offset, offset + size), shape),
    ]),
  );
}

async function readBatch({ checkpoint, pixels }: Pass, first: number, samples: Uint32Array): Promise<MicroBatch> {
  const { imageSize, seed, microBatch } = checkpoint.manifest.runSpec;
  const imageBytes = imageSize * imageSize * 3;
  const pixels_BHWC = new Uint8Array(samples.length * imageBytes);
  await Promise.all(Array.from(samples, (sample, b) => pixels.read(sample, pixels_BHWC, b * imageBytes)));
  return {
    // Inference draws no random numbers.
    key: { seed, epoch: 0, step: 0, microBatch: first / microBatch },
    samples,
    positions: Uint32Array.from(samples, (_, b) => first + b),
    pixels_BHWC,
  };
}

function rows({ predictions }: EvaluationResult, head: string): number[][] {
  const prediction = predictions[head];
  if (prediction === undefined) throw new Error(`the recipe predicts no ${head}`);
  const { width, values } = prediction;
  return Array.from({ length: values.length / width }, (_, b) => [...values.subarray(b * width, (b + 1) * width)]);
}

/** Of equals, the first. */
function greatest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
