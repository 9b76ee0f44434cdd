// Owns what happens before the first step: the data set, its split and image cache, the run spec, the seeded weights as
// the checkpoint of step 0, and the run's folder with its lock. What is refused here costs the user a second, not an hour.
import { mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { acquireRunLock, CheckpointStore, type RunLock, writeJsonDurably } from "@lockstep/checkpoint";
import {
  createPlan,
  type DataOptions,
  type Dataset,
  everySample,
  openDataset,
  openImageCache,
  type Progress,
  requestedSampling,
  type Sampling,
  type Split,
  specifiedSampling,
  splitDataset,
} from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { createOptimizer } from "@lockstep/numerics";
import {
  createLayout,
  differences,
  type RunDescription,
  type RunSpec,
  runSpec,
  type TensorLayout,
} from "@lockstep/protocol";
import { loadRecipe, type Recipe } from "@lockstep/recipe";
import type { Logger } from "pino";
import { type DataFlags, dataOptionsOf, type ResolvedDataOptions } from "./data-flags.js";
import { dataOptionsIn, type Launch, readLaunch, readRunDescription, runFiles, writeLaunch } from "./run-folder.js";
import { type RunSettings, runSettings, type SpecFlags } from "./run-settings.js";

export interface PrepareOptions {
  readonly out: string;
  readonly resume: boolean;
  readonly given: SpecFlags;
  /** What is left away is the resumed run's, else the default. */
  readonly dataFlags: DataFlags;
  readonly cacheDir: string;
  readonly log: Logger;
  readonly onProgress: (progress: Progress) => void;
  /** Told when the folder is ours: from here on other processes may be told of in it. */
  readonly onLocked?: () => Promise<void>;
  readonly signal: AbortSignal;
}

export interface PreparedRun {
  readonly description: RunDescription;
  readonly dataOptions: ResolvedDataOptions;
  readonly weightsFile: string | null;
  readonly stepsPerEpoch: number;
  readonly lock: RunLock;
}

/** @throws UserError for data, flags or a folder that cannot be used; the lock is held when it resolves */
export async function prepareRun(options: PrepareOptions): Promise<PreparedRun> {
  const { out, resume, log } = options;
  const former = await formerRun(out, resume);
  const lock = await lockFolder(out);
  try {
    await options.onLocked?.();
    const settings = runSettings(options.given, former?.spec ?? null);
    const launch = former === null ? null : await formerLaunch(out, options);
    const dataOptions = dataOptionsOf(options.dataFlags, launch === null ? null : dataOptionsIn(launch));
    const weightsFile = weightsFileOf(settings, launch);
    const prepared = await prepareData({ ...options, settings, dataOptions, weightsFile });
    if (former === null) await writeNewRun({ out, ...prepared });
    else assertSameSpec(former.spec, prepared.description.spec, out);
    await writeLaunch(out, { ...dataOptions, cacheDir: options.cacheDir, weightsFile });
    log.info({ out, resume, spec: prepared.description.spec }, "the run is prepared");
    const { description, stepsPerEpoch } = prepared;
    return { description, dataOptions, weightsFile, stepsPerEpoch, lock };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function lockFolder(out: string): Promise<RunLock> {
  try {
    await mkdir(out, { recursive: true });
    return await acquireRunLock(out);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${out}: cannot be used as the run's folder (--out)`, { cause: error });
  }
}

/** Null where the flags name the data anyway. */
async function formerLaunch(out: string, { dataFlags }: PrepareOptions): Promise<Launch | null> {
  const launch = await readLaunch(out);
  if (launch !== null || dataFlags.data !== undefined) return launch;
  throw new UserError(`${out}: no ${runFiles.launch} says where the images are; say it again (--data)`);
}

/** Where the file of sampling weights is: as asked for, else where the run had it. */
function weightsFileOf({ sampling }: RunSettings, launch: Launch | null): string | null {
  if ("former" in sampling) return sampling.former.kind === "weights" ? (launch?.weightsFile ?? null) : null;
  return sampling.requested.kind === "file" ? resolve(sampling.requested.path) : null;
}

async function samplingOf(
  { sampling }: RunSettings,
  dataset: Dataset,
  options: { readonly train: Uint32Array; readonly weightsFile: string | null },
): Promise<Sampling> {
  if ("requested" in sampling) return (await requestedSampling(sampling.requested, dataset, options.train)).sampling;
  await specifiedSampling(sampling.former, dataset, options);
  return sampling.former;
}

interface PreparedData {
  readonly description: RunDescription;
  readonly layout: TensorLayout;
  readonly recipe: Recipe;
  readonly stepsPerEpoch: number;
}

async function prepareData(
  options: PrepareOptions & {
    readonly settings: RunSettings;
    readonly dataOptions: DataOptions;
    readonly weightsFile: string | null;
  },
): Promise<PreparedData> {
  const { settings, dataOptions, weightsFile, cacheDir, log, onProgress, signal } = options;
  const definition = await loadRecipe(settings.recipe.name);
  const recipeOptions = definition.resolveOptions(settings.recipe.options);
  const dataset = await openDataset({ ...dataOptions, schema: definition.labels, cacheDir, log, onProgress, signal });
  const { split: splitKind, subset } = settings;
  const { seed, microBatch, globalBatch, epochs, imageSize } = settings.rest;
  const split = splitDataset(dataset, { split: splitKind, subset, seed, log });
  const { stepsPerEpoch } = createPlan({
    trainSamples: split.train.length,
    valSamples: split.val.length,
    ...{ microBatch, globalBatch, epochs, seed },
  });
  if (settings.rest.earlyStop !== undefined && split.val.length === 0) {
    throw new UserError("--early-stop-patience: needs validation images, and the split has none (--split)");
  }
  const sampling = await samplingOf(settings, dataset, { train: split.train, weightsFile });
  const recipe = definition.bind({
    options: recipeOptions,
    imageSize,
    labels: dataset.labels,
    trainingSamples: split.train,
  });
  const cache = await openImageCache({
    dataset,
    samples: everySample(split),
    ...{ imageSize, cacheDir, log, onProgress, signal },
  });
  await cache.close();
  const layout = createLayout(recipe.tensors.map((tensor) => ({ ...tensor })));
  const description: RunDescription = {
    spec: specOf({ settings, dataset, split, sampling, recipeOptions }),
    tensors: recipe.tensors.map((tensor) => ({ ...tensor })),
    sumNames: [...recipe.sumNames],
    metrics: recipe.metrics.map((metric) => ({ ...metric })),
  };
  return { description, layout, recipe, stepsPerEpoch };
}

function specOf(parts: {
  readonly settings: RunSettings;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly sampling: Sampling;
  readonly recipeOptions: Readonly<Record<string, unknown>>;
}): RunSpec {
  const { settings, dataset, split, sampling, recipeOptions } = parts;
  return runSpec.parse({
    formatVersion: 1,
    dataset: {
      kind: dataset.kind,
      fingerprint: dataset.fingerprint,
      split: settings.split,
      subset: settings.subset,
      samples: { train: split.train.length, val: split.val.length, test: split.test.length },
    },
    recipe: { name: settings.recipe.name, options: recipeOptions },
    ...settings.rest,
    ...(sampling.kind === "uniform" ? {} : { sampling }),
    precision: "f32",
  });
}

/** The run that --resume goes on with; null for a new one. */
async function formerRun(out: string, resume: boolean): Promise<RunDescription | null> {
  const former = await readRunDescription(out);
  if (resume && former === null) {
    throw new UserError(`${out}: no run to go on with (no ${runFiles.run}); start one without --resume`);
  }
  if (!resume && former !== null) {
    throw new UserError(`${out}: holds a run already; go on with it by --resume, or choose another --out`);
  }
  if (!resume) await assertNobodysFolder(out);
  return former;
}

/** A preparation that was cut short leaves files of ours and no run.json: those are written over. */
async function assertNobodysFolder(out: string): Promise<void> {
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new UserError(`${out}: cannot be used as the run's folder: ${error.message} (--out)`, { cause: error });
  });
  const ours: readonly string[] = Object.values(runFiles);
  const strangers = entries.filter((name) => !ours.includes(name) && !name.startsWith("."));
  if (strangers.length > 0) {
    throw new UserError(`${out}: exists and is not empty (${strangers[0]}); choose another --out`);
  }
}

/** run.json comes last: a folder that has one can be resumed. */
async function writeNewRun(run: PreparedData & { readonly out: string }): Promise<void> {
  const { out, description, layout, recipe } = run;
  const store = new CheckpointStore(join(out, runFiles.checkpoints));
  await store.prepare();
  const initial = recipe.initialWeights(description.spec.seed);
  const weights = new Float32Array(layout.numElements);
  for (const { name, offset, size } of layout.tensors) {
    const values = initial[name];
    if (values?.length !== size) throw new Error(`initial weights of ${name}: ${values?.length}, not ${size} elements`);
    weights.set(values, offset);
  }
  await store.write({
    runSpec: description.spec,
    layout,
    weights,
    optimizerState: createOptimizer(description.spec.optimizer, layout).state,
    position: { step: 0, epoch: 0, stepInEpoch: 0, validationRecorded: false },
    epochSums: description.sumNames.map(() => 0),
    epochSamples: 0,
    validation: null,
    numerics: {},
    pixelsSha256: null,
    coordinatorGeneration: 0,
    bookkeeping: {},
  });
  await writeJsonDurably(join(out, runFiles.run), description);
}

function assertSameSpec(before: RunSpec, after: RunSpec, out: string): void {
  const changed = differences(before, after).map(
    ({ field, before, after }) => `${field} was ${JSON.stringify(before)}, is ${JSON.stringify(after)}`,
  );
  if (changed.length === 0) return;
  throw new UserError(
    `${out}: cannot resume with another run spec: ${changed.join("; ")} (same flags, or a new --out)`,
  );
}
