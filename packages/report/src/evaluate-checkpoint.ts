// Evaluates a checkpoint on a part of its data set, in one process (evaluateCheckpoint): it finds both and makes the report.
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
import { checkHeads, judgeHead } from "./judged-head.js";
import { predictionsCsv } from "./predictions-csv.js";

export interface EvaluateOptions {
  /** A checkpoint's folder, or a run's. */
  readonly checkpoint: string;
  /** Which of a run's checkpoints: the newest sound one (default), or the one of least validation loss. */
  readonly choice?: CheckpointChoice;
  /** The data set that the run was trained on, in any form. */
  readonly dataOptions: DataOptions;
  /** Where this machine has the run's recipe: a file or a package; not needed where it is built in. */
  readonly recipe?: string | undefined;
  readonly part: "val" | "test";
  /** Of the bootstrap that the confidence intervals come from; 0: none. */
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
  /** A row an image: see predictions-csv.ts. */
  predictionsCsv(): string;
}

export const defaultResamples = 1000;

/** UserError on a broken checkpoint, another data set, or an empty part. */
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
    samples: part === "test" ? samples : seenInTraining(split), // the validation part lies in training's cache
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
        const said = predictions[head.name];
        if (said === undefined) throw new Error(`the pass gave no predictions of head ${head.name}`);
        return judgeHead(head, { labels: dataset.labels, samples, predictions: said });
      });
      const report: EvaluationReport = {
        checkpoint: placeOf(chosen.path, checkpoint),
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

function placeOf(path: string, { manifest }: LoadedCheckpoint): EvaluationReport["checkpoint"] {
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
