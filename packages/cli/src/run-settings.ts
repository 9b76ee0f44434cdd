// `draftSpec` makes the run spec from settings. A setting that is not given has its default, or the value of the resumed run.
// Each setting declares its place in the spec; the data set and the recipe add the rest.
import { UserError } from "@lockstep/errors";
import { type RunSpec, runSpec } from "@lockstep/protocol";
import { z } from "zod";
import { select } from "./settings/all-settings.js";
import { dataSettings } from "./settings/declared/data.js";
import { specSettings } from "./settings/declared/run-spec.js";
import { defaultOf, type Given, type Setting } from "./settings/setting.js";

/** The settings whose values a resumed run keeps. */
export const keptSettings = { ...specSettings, ...dataSettings, ...select("cacheDir") };
export type GivenToRun = Given<typeof keptSettings>;

/** The run spec without the fields that the data set and the recipe add. */
const draftSchema = z.object({
  ...runSpec.omit({ sampling: true }).shape,
  dataset: runSpec.shape.dataset.pick({ split: true, subset: true }).strip(),
  recipe: z.object({ options: runSpec.shape.recipe.shape.options }),
});
export type DraftSpec = z.output<typeof draftSchema>;

/** The fields of a new run's spec that have no setting. */
const newRun = {
  formatVersion: 2,
  optimizer: { epsilon: 1e-8, clipNorm: null },
  recipe: { options: {} },
  precision: "f32",
} as const;

/** @param former the spec of the resumed run: a setting that is not given keeps its value. @throws UserError */
export function draftSpec(given: Given<typeof specSettings>, former: RunSpec | null): DraftSpec {
  const spec: Tree = structuredClone(former ?? newRun);
  for (const [name, setting] of Object.entries<Setting>(specSettings)) {
    const { spec: path, toSpec } = setting;
    if (path === undefined || toSpec === null) continue;
    const there = leafOf(spec, path);
    const value = given[name as keyof typeof given]; // the table's own names
    // parseSettings made the value, so it has the type that toSpec takes.
    if (value !== undefined) write(spec, path, toSpec ? toSpec(value as never, there) : value);
    // The recipe fills in the defaults of its options, which may be other than these.
    else if (there === undefined && !path.startsWith("recipe.")) write(spec, path, defaultOf(setting));
  }
  write(spec, "recipe.options", { ...(leafOf(spec, "recipe.options") as object), ...given.recipeOptions });
  if (leafOf(spec, "earlyStop.patience") === undefined) {
    const { earlyStopMinDelta: minDelta } = given;
    if (minDelta !== undefined) throw new UserError(`--early-stop-min-delta ${minDelta}: needs --early-stop-patience`);
    write(spec, "earlyStop", undefined);
  }
  return draftSchema.parse(spec);
}

/** @param path for example `optimizer.name`. @returns undefined if the spec has no such field */
export function leafOf(spec: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => (isTree(at) ? at[key] : undefined), spec);
}

type Tree = Record<string, unknown>;

/** @param value undefined removes the field */
function write(into: Tree, path: string, value: unknown): void {
  const [key = "", ...rest] = path.split(".");
  if (rest.length === 0) {
    if (value === undefined) delete into[key];
    else into[key] = value;
    return;
  }
  const group = into[key];
  const inner = isTree(group) ? group : {};
  into[key] = inner;
  write(inner, rest.join("."), value);
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
