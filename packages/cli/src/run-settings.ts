// Owns how spec flags become a run spec: the document's defaults where nothing is said, the run's own values where one
// is resumed.
import type { Sampling, SamplingRequest } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { RunSpec } from "@lockstep/protocol";
import type { FlagName, Options } from "./flags.js";

export const specFlags = [
  "split",
  "subset",
  "seed",
  "sampling",
  "imageSize",
  "microBatch",
  "globalBatch",
  "epochs",
  "earlyStopPatience",
  "earlyStopMinDelta",
  "initFrom",
  "lr",
  "optimizer",
  "beta1",
  "beta2",
  "momentum",
  "weightDecay",
  "clipNorm",
  "schedule",
  "warmupSteps",
  "finalFraction",
  "recipe",
  "recipeOptions",
  "taskWeights",
  "classWeights",
  "widths",
  "denseUnits",
  "dropout",
  "augmentation",
] as const satisfies readonly FlagName[];
export const specHeading = "Run spec, fixed for the run's life:";
export type SpecFlags = Options<(typeof specFlags)[number]>;

/** The spec but for what only the data set tells. */
export interface RunSettings {
  readonly split: "official" | "random";
  readonly subset: number;
  /** What is asked for, or what the resumed run has. */
  readonly sampling: { readonly requested: SamplingRequest } | { readonly former: Sampling };
  /** Of the recipe, before it has filled in its own. */
  readonly recipeOptions: Readonly<Record<string, unknown>>;
  readonly rest: Omit<RunSpec, "dataset" | "recipe" | "sampling" | "formatVersion" | "precision">;
}

const documentDefaults = {
  split: "official",
  subset: 1,
  imageSize: 64,
  optimizer: {
    name: "adam",
    learningRate: 1e-4,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    momentum: 0.9,
    weightDecay: 0,
    clipNorm: null,
  },
  schedule: { name: "constant", warmupSteps: 0, finalFraction: 0 },
  epochs: 20,
  microBatch: 32,
  globalBatch: 64,
  seed: 0,
} as const;

/** @param resumed the spec of the run that goes on; flags left away keep its values */
export function runSettings(given: SpecFlags, resumed: RunSpec | null): RunSettings {
  const base = resumed ?? documentDefaults;
  const { optimizer, schedule } = base;
  return {
    split: given.split ?? resumed?.dataset.split ?? documentDefaults.split,
    subset: given.subset ?? resumed?.dataset.subset ?? documentDefaults.subset,
    sampling:
      given.sampling !== undefined || resumed === null
        ? { requested: given.sampling ?? { kind: "uniform" } }
        : { former: resumed.sampling ?? { kind: "uniform" } },
    recipeOptions: { ...formerOptions(given, resumed), ...optionsOfRecipe(given, resumed) },
    rest: {
      imageSize: given.imageSize ?? base.imageSize,
      optimizer: {
        name: given.optimizer ?? optimizer.name,
        learningRate: given.lr ?? optimizer.learningRate,
        beta1: given.beta1 ?? optimizer.beta1,
        beta2: given.beta2 ?? optimizer.beta2,
        epsilon: optimizer.epsilon,
        momentum: given.momentum ?? optimizer.momentum,
        weightDecay: given.weightDecay ?? optimizer.weightDecay,
        clipNorm: given.clipNorm ?? optimizer.clipNorm,
      },
      schedule: {
        name: given.schedule ?? schedule.name,
        warmupSteps: given.warmupSteps ?? schedule.warmupSteps,
        finalFraction: given.finalFraction ?? schedule.finalFraction,
      },
      epochs: given.epochs ?? base.epochs,
      ...earlyStop(given, resumed),
      microBatch: given.microBatch ?? base.microBatch,
      globalBatch: given.globalBatch ?? base.globalBatch,
      seed: given.seed ?? base.seed,
    },
  };
}

/** Nothing where the run goes through all its epochs. */
function earlyStop(given: SpecFlags, resumed: RunSpec | null): Pick<RunSpec, "earlyStop"> {
  const patience = given.earlyStopPatience ?? resumed?.earlyStop?.patience;
  const minDelta = given.earlyStopMinDelta ?? resumed?.earlyStop?.minDelta;
  if (patience !== undefined) return { earlyStop: { patience, minDelta: minDelta ?? 0 } };
  if (minDelta === undefined) return {};
  throw new UserError(`--early-stop-min-delta ${minDelta}: needs --early-stop-patience`);
}

/** Augmentation that is said to be on, and was off, is the recipe's default again. */
function formerOptions({ augmentation }: SpecFlags, resumed: RunSpec | null): Readonly<Record<string, unknown>> {
  const { augmentation: former, ...rest } = resumed?.recipe.options ?? {};
  return former === undefined || (former === null && augmentation === true) ? rest : { ...rest, augmentation: former };
}

/** Only what was said; the recipe fills in its own defaults. */
function optionsOfRecipe(given: SpecFlags, resumed: RunSpec | null): Record<string, unknown> {
  const { widths, denseUnits, dropout, taskWeights, classWeights, augmentation, recipeOptions } = given;
  const { taskWeights: formerWeights } = resumed?.recipe.options ?? {};
  return {
    ...(widths && { widths }),
    ...(denseUnits !== undefined && { denseUnits }),
    ...(dropout !== undefined && { dropout }),
    ...(taskWeights && { taskWeights: { ...(formerWeights as object | undefined), ...taskWeights } }),
    ...(classWeights && { classWeights }),
    ...(augmentation === false && { augmentation: null }),
    ...recipeOptions,
  };
}
