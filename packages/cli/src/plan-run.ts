// `planRun` resolves a run before anything is written for it: its settings, data set, split, model and run spec. A mistake is
// refused here within seconds, before the long preparation.
import { resolve } from "node:path";
import {
  createPlan,
  type Dataset,
  defaultCacheDir,
  openDataset,
  type Progress,
  requestedSampling,
  type Sampling,
  type Split,
  seenInTraining,
  specifiedSampling,
  splitDataset,
} from "@lockstep/dataset";
import { type Log, UserError } from "@lockstep/errors";
import {
  createLayout,
  differences,
  type RunDescription,
  type RunSpec,
  runSpec,
  type TensorLayout,
  weightsSha256,
} from "@lockstep/protocol";
import type { Recipe } from "@lockstep/recipe";
import { dataOptionsOf, type ResolvedDataOptions } from "./data-options.js";
import { readInitialWeights } from "./initial-weights.js";
import { assertFitsMemory } from "./memory-limit.js";
import { dataOptionsIn, type Launch, readLaunch, runFiles } from "./run-folder.js";
import { recipeOf, recipeSpec } from "./run-recipe.js";
import { type DraftSpec, draftSpec, type GivenToRun } from "./run-settings.js";

export interface PlanOptions {
  readonly out: string;
  /** A setting that is not given has the value of the resumed run, or the default. */
  readonly given: GivenToRun;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export interface PlannedRun {
  readonly description: RunDescription;
  readonly layout: TensorLayout;
  readonly recipe: Recipe;
  readonly dataset: Dataset;
  /** The samples of every part. */
  readonly samples: Uint32Array;
  readonly trainingSamples: Uint32Array;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly dataOptions: ResolvedDataOptions;
  /** Where the decoded images are. */
  readonly cacheDir: string;
  /** Path of the user's recipe; null for a built-in one. */
  readonly recipeFile: string | null;
  readonly weightsFile: string | null;
  /** @returns the weights in the flat layout */
  initialWeights(): Float32Array;
}

/**
 * @param former the run that is resumed; null for a new one
 * @throws UserError if data or flags cannot be used, or differ from those of the resumed run
 */
export async function planRun(options: PlanOptions, former: RunDescription | null): Promise<PlannedRun> {
  const { out, given, log, onProgress, signal } = options;
  const draft = draftSpec(given, former?.spec ?? null);
  const launch = former === null ? null : await formerLaunch(out, options);
  const dataOptions = dataOptionsOf(given, launch === null ? null : dataOptionsIn(launch));
  const cacheDir = resolve(given.cacheDir ?? launch?.cacheDir ?? defaultCacheDir());
  const definition = await recipeOf({ given, former: former?.spec ?? null, reference: launch?.recipe ?? null });
  const recipeFile = definition.sha256 === null ? null : definition.reference;
  const recipeOptions = definition.resolveOptions(draft.recipe.options);
  const { labels: schema, source } = definition;
  const dataset = await openDataset({ ...dataOptions, schema, source, cacheDir, log, onProgress, signal });
  const { seed, microBatch, globalBatch, epochs, imageSize } = draft;
  const split = splitDataset(dataset, { ...draft.dataset, seed, log });
  const { stepsPerEpoch, totalSteps } = createPlan({
    trainSamples: split.train.length,
    valSamples: split.val.length,
    ...{ microBatch, globalBatch, epochs, seed },
  });
  if (draft.earlyStop !== undefined && split.val.length === 0) {
    throw new UserError("--early-stop-patience: needs validation images, and the split has none (--split)");
  }
  const { sampling, weightsFile } = await samplingOf(options, dataset, { train: split.train, former, launch });
  if (sampling.kind !== "uniform" && recipeOptions["classWeights"] === "inverse-frequency") {
    log.warn(
      { sampling },
      "rare classes are corrected twice, by sampling and by weights in the loss; to correct them once, add --class-weights none",
    );
  }
  const recipe = definition.bind({
    options: recipeOptions,
    imageSize,
    labels: dataset.labels,
    trainingSamples: split.train,
  });
  const layout = createLayout(recipe.tensors.map((tensor) => ({ ...tensor })));
  const numSamples = Math.max(split.train.length, split.val.length);
  assertFitsMemory({ layout, spec: draft, numSamples }, given);
  if ((given.microBatch ?? 0) > numSamples) {
    log.warn(
      { microBatch, trainingImages: split.train.length },
      "--micro-batch is larger than the data: every step is one micro-batch, which one worker computes alone",
    );
  }
  const taken = given.initFrom === undefined ? null : await readInitialWeights(resolve(given.initFrom), layout);
  const initialSha256 = taken === null ? draft.initialWeightsSha256 : weightsSha256(layout, taken);
  const spec = specOf({
    ...{ draft, dataset, split, sampling, initialSha256 },
    recipe: recipeSpec(definition, recipeOptions),
  });
  if (former !== null) assertSameSpec(former.spec, spec, out);
  return {
    description: {
      spec,
      tensors: recipe.tensors.map((tensor) => ({ ...tensor })),
      sumNames: [...recipe.sumNames],
      metrics: recipe.metrics.map((metric) => ({ ...metric })),
    },
    samples: seenInTraining(split),
    trainingSamples: split.train,
    ...{ layout, recipe, dataset, stepsPerEpoch, totalSteps, dataOptions, cacheDir },
    ...{ recipeFile, weightsFile },
    initialWeights: () => taken ?? seededWeights(recipe, layout, seed),
  };
}

/** @returns the run's last launch; null if there is none and the flags name the data */
async function formerLaunch(out: string, { given }: PlanOptions): Promise<Launch | null> {
  const launch = await readLaunch(out);
  if (launch !== null || given.data !== undefined) return launch;
  throw new UserError(`${out}: no ${runFiles.launch} that tells where the images are; give --data again`);
}

/** @returns the given sampling, or else that of the resumed run */
async function samplingOf(
  { given }: PlanOptions,
  dataset: Dataset,
  run: { readonly train: Uint32Array; readonly former: RunDescription | null; readonly launch: Launch | null },
): Promise<{ readonly sampling: Sampling; readonly weightsFile: string | null }> {
  const { train, former, launch } = run;
  if (given.sampling !== undefined || former === null) {
    const request = given.sampling ?? { kind: "uniform" };
    const { sampling } = await requestedSampling(request, dataset, train);
    return { sampling, weightsFile: request.kind === "file" ? resolve(request.path) : null };
  }
  const sampling = former.spec.sampling ?? { kind: "uniform" };
  const weightsFile = sampling.kind === "weights" ? (launch?.weightsFile ?? null) : null;
  await specifiedSampling(sampling, dataset, { train, weightsFile });
  return { sampling, weightsFile };
}

function specOf(parts: {
  readonly draft: DraftSpec;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly sampling: Sampling;
  readonly recipe: ReturnType<typeof recipeSpec>;
  /** Undefined if the weights are drawn from the seed. */
  readonly initialSha256: string | undefined;
}): RunSpec {
  const { draft, dataset, split, sampling, recipe, initialSha256 } = parts;
  const { kind, fingerprint } = dataset;
  const samples = { train: split.train.length, val: split.val.length, test: split.test.length };
  return runSpec.parse({
    ...draft,
    dataset: { kind, fingerprint, ...draft.dataset, samples },
    recipe,
    ...(sampling.kind === "uniform" ? {} : { sampling }),
    ...(initialSha256 === undefined ? {} : { initialWeightsSha256: initialSha256 }),
  });
}

function seededWeights(recipe: Recipe, layout: TensorLayout, seed: number): Float32Array {
  const initial = recipe.initialWeights(seed);
  const weights = new Float32Array(layout.numElements);
  for (const { name, offset, size } of layout.tensors) {
    const values = initial[name];
    if (values?.length !== size) throw new Error(`initial weights of ${name}: ${values?.length}, not ${size} elements`);
    weights.set(values, offset);
  }
  return weights;
}

function assertSameSpec(before: RunSpec, after: RunSpec, out: string): void {
  const changed = differences(before, after).map(
    ({ field, before, after }) =>
      `${field} was ${JSON.stringify(before) ?? "absent"}, is ${JSON.stringify(after) ?? "absent"}`,
  );
  if (changed.length === 0) return;
  throw new UserError(
    `${out}: cannot resume with another run spec: ${changed.join("; ")} (use the same flags, or start a new run in another --out from these weights: --init-from ${out})`,
  );
}
