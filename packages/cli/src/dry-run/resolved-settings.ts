// Owns what every setting of a run came out as, and where its value came from.
import type { RunSpec } from "@lockstep/protocol";
import { type FlagName, flags, keyOf } from "../flags.js";
import { builtInFlags } from "../run-recipe.js";
import type { specFlags } from "../run-settings.js";
import type { Origins } from "../settings/apply-settings.js";

export interface ResolvedSetting {
  readonly key: string;
  /** As it would be said; what a default is called where it is found out later. */
  readonly value: string;
  /** `--seed`, `LOCKSTEP_SEED`, `run.yaml:3`, `the run` or `default`. */
  readonly from: string;
}

/** Where a flag's value stands in the run spec; of a recipe's own options, each stands besides. */
const placesInSpec: Readonly<Record<Exclude<(typeof specFlags)[number], "recipeOptions">, string>> = {
  split: "dataset.split",
  subset: "dataset.subset",
  seed: "seed",
  sampling: "sampling",
  imageSize: "imageSize",
  microBatch: "microBatch",
  globalBatch: "globalBatch",
  epochs: "epochs",
  earlyStopPatience: "earlyStop.patience",
  earlyStopMinDelta: "earlyStop.minDelta",
  initFrom: "initialWeightsSha256",
  lr: "optimizer.learningRate",
  optimizer: "optimizer.name",
  beta1: "optimizer.beta1",
  beta2: "optimizer.beta2",
  momentum: "optimizer.momentum",
  weightDecay: "optimizer.weightDecay",
  clipNorm: "optimizer.clipNorm",
  schedule: "schedule.name",
  warmupSteps: "schedule.warmupSteps",
  finalFraction: "schedule.finalFraction",
  recipe: "recipe.name",
  taskWeights: "recipe.options.taskWeights",
  classWeights: "recipe.options.classWeights",
  widths: "recipe.options.widths",
  denseUnits: "recipe.options.denseUnits",
  dropout: "recipe.options.dropout",
  augmentation: "recipe.options.augmentation",
};

export function resolvedSettings(run: {
  readonly names: readonly FlagName[];
  /** As the command has parsed them, and the data's as they were resolved. */
  readonly options: Readonly<Partial<Record<FlagName, unknown>>>;
  readonly origins: Origins;
  readonly spec: RunSpec;
  readonly isResumed: boolean;
  /** Those that a resumed run keeps besides its spec. */
  readonly kept: readonly FlagName[];
}): ResolvedSetting[] {
  const { names, options, origins, spec, isResumed, kept } = run;
  const foreign: readonly FlagName[] = spec.recipe.sha256 === undefined ? [] : builtInFlags;
  return names
    .filter((name) => !foreign.includes(name))
    .map((name) => {
      const place: string | undefined = (placesInSpec as Partial<Record<FlagName, string>>)[name];
      const { defaultText = "" }: { readonly defaultText?: string } = flags[name];
      const value = place === undefined ? options[name] : leafOf(spec, place);
      const isKept = isResumed && (place !== undefined || kept.includes(name));
      return {
        key: keyOf(name),
        value: value === undefined || value === null ? switchOr(name, value, defaultText) : valueText(name, value),
        from: origins.get(name) ?? (isKept ? "the run" : "default"),
      };
    });
}

/** Leaves of the run spec that no flag says: `optimizer.epsilon`, what the data set and the recipe add. */
export function otherLeaves(spec: RunSpec): { readonly field: string; readonly value: string }[] {
  const said = Object.values(placesInSpec);
  return leaves(spec, "")
    .filter(({ field }) => !said.some((place) => field === place || field.startsWith(`${place}.`)))
    .map(({ field, value }) => ({ field, value: JSON.stringify(value) }));
}

/** Nothing, where the default is a state and not a value. */
function switchOr(name: FlagName, value: unknown, defaultText: string): string {
  if (name === "augmentation") return String(value === undefined);
  return value === null ? "none" : defaultText === "" ? "false" : defaultText;
}

function valueText(name: FlagName, value: unknown): string {
  if (name === "augmentation") return "true";
  if (name === "initFrom") return `weights ${String(value).slice(0, 12)}…`;
  if (Array.isArray(value)) return value.join(",");
  if (typeof value !== "object" || value === null) return String(value);
  if (name === "recipeOptions") {
    const said = Object.entries(value).map(([key, part]) => `${key}=${JSON.stringify(part)}`);
    return said.join(",");
  }
  const pairs = Object.entries(value).map(([key, part]) => `${key}=${Array.isArray(part) ? part.join("+") : part}`);
  return pairs.join(",") || "none";
}

function leafOf(value: unknown, place: string): unknown {
  return place
    .split(".")
    .reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined), value);
}

function leaves(value: unknown, field: string): { field: string; value: unknown }[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [{ field, value }];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, field === "" ? key : `${field}.${key}`));
}
