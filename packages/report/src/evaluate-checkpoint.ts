// Evaluates a checkpoint on a part of its data set in one process, and returns the report (evaluateCheckpoint).
import { type LoadedCheckpoint, loadCheckpoint } from "@lockstep/checkpoint";
import {
  type DataOptions,
  type Dataset,
  openDataset,
  openImageCache,
  type Progress,
  seenInTraining,
  splitDataset,
} from "@lockstep/dataset";
import { type Log, UserError } from "@lockstep/errors";
import { evaluateMetrics, type RunSpec } from "@lockstep/protocol";
import {
  type BackendChoice,
  type DeviceChoice,
  loadEngine,
  loadRunRecipe,
  type RecipeDefinition,
  requireBackend,
} from "@lockstep/recipe";
import { confidenceLevel } from "./bootstrap.js";
import { type CheckpointChoice, chooseCheckpoint } from "./choose-checkpoint.js";
import { evaluationPass } from "./evaluation-pass.js";
import type { EvaluationReport } from "./evaluation-report.js";
import { reportHead } from "./head-report.js";
import { checkHeads, headResult } from "./head-result.js";
import { predictionsCsv } from "./predictions-csv.js";

export interface EvaluateOptions {
  /** The folder of a checkpoint or of a run. */
  readonly checkpoint: string;
  /** Which checkpoint of a run: the newest sound one (default), or the one with the least validation loss. */
  readonly choice?: CheckpointChoice;
  /** The data set that the run was trained on, in any form. */
  readonly dataOptions: DataOptions;
  /** The file or package of the run's recipe on this machine; not needed for a built-in recipe. */
  readonly recipe?: string | undefined;
  readonly part: "val" | "test";
  /** Number of bootstrap resamples for the confidence intervals; 0 means no intervals. Default: 1000. */
  readonly resamples?: number;
  readonly cacheDir: string;
  readonly backend: BackendChoice;
  readonly device?: DeviceChoice | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

export type EvaluationProgress =
  | Progress
  | { readonly stage: "evaluating"; readonly done: number; readonly total: number };

export interface Evaluation {
  readonly report: EvaluationReport;
  /** Returns a CSV with one row for each image, see predictions-csv.ts. */
  predictionsCsv(): string;
}

export const defaultResamples = 1000;

/** @throws UserError if the checkpoint is damaged, the data set is not that of the run, or the part is empty */
export async function evaluateCheckpoint(options: EvaluateOptions): Promise<Evaluation> {
  const { log, part, resamples = defaultResamples, onProgress, signal } = options;
  await requireBackend(options.backend, options.device);
  const chosen = await chooseCheckpoint(options.checkpoint, options.choice ?? "last");
  for (const skipped of chosen.skipped) log.warn(skipped, `skipped checkpoint ${skipped.path}: ${skipped.reason}`);
  const checkpoint = await loadCheckpoint(chosen);
  const spec = checkpoint.manifest.runSpec;
  const definition = await loadRunRecipe(spec.recipe, options.recipe);
  const dataset = await openSameDataset(options, definition, spec);
  const split = splitDataset(dataset, { split: spec.dataset.split, subset: spec.dataset.subset, seed: spec.seed });
  const samples = split[part];
  if (samples.length === 0) throw emptyPart(part, spec);
  const recipe = definition.bind({
    options: spec.recipe.options,
    imageSize: spec.imageSize,
    labels: dataset.labels,
    trainingSamples: split.train,
  });
  checkHeads(recipe, dataset.labels.schema);
  const cache = await openImageCache({
    dataset,
    samples: part === "test" ? samples : seenInTraining(split), // the cache of a training run holds the validation part
    imageSize: spec.imageSize,
    ...{ cacheDir: options.cacheDir, log, onProgress, signal },
  });
  try {
    const engine = await loadEngine({ backend: options.backend, device: options.device, log });
    try {
      const start = performance.now();
      const { sums, predictions } = await evaluationPass({
        ...{ engine, recipe, checkpoint, samples, pixels: cache, signal },
        onProgress: (done) => onProgress?.({ stage: "evaluating", done, total: samples.length }),
      });
      const seconds = (performance.now() - start) / 1000;
      const heads = recipe.heads.map((head) => {
        const headPredictions = predictions[head.name];
        if (headPredictions === undefined) throw new Error(`the pass gave no predictions of head ${head.name}`);
        return headResult(head, { labels: dataset.labels, samples, predictions: headPredictions });
      });
      const report: EvaluationReport = {
        checkpoint: reportedCheckpoint(chosen.path, checkpoint),
        recipe: recipe.name,
        data: options.dataOptions.data,
        ...{ part, samples: samples.length, backend: engine.backend, device: engine.device, seconds },
        metrics: evaluateMetrics(recipe.metrics, recipe.sumNames, sums),
        confidence: resamples === 0 ? null : { level: confidenceLevel, resamples },
        heads: Object.fromEntries(heads.map((head) => [head.name, reportHead(head, resamples)])),
      };
      const imageNames = Array.from(samples, (sample) => dataset.imageName(sample));
      return { report, predictionsCsv: () => predictionsCsv({ imageNames, part, heads }) };
    } finally {
      engine.dispose();
    }
  } finally {
    await cache.close();
  }
}

function reportedCheckpoint(path: string, { manifest }: LoadedCheckpoint): EvaluationReport["checkpoint"] {
  const { position, weightsSha256 } = manifest;
  return { path, step: position.step, epoch: position.epoch, weightsSha256 };
}

async function openSameDataset(
  { dataOptions, cacheDir, log, onProgress, signal }: EvaluateOptions,
  { labels: schema, source }: RecipeDefinition,
  spec: RunSpec,
): Promise<Dataset> {
  const dataset = await openDataset({ ...dataOptions, schema, source, cacheDir, log, onProgress, signal });
  if (dataset.fingerprint !== spec.dataset.fingerprint) {
    throw new UserError(
      `data ${dataOptions.data}: has fingerprint ${dataset.fingerprint.slice(0, 12)}, but the checkpoint was trained on ${spec.dataset.kind} data with fingerprint ${spec.dataset.fingerprint.slice(0, 12)}; name that data set (--data)`,
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
