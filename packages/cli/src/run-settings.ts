// Makes the run spec from settings (draftSpec): defaults where nothing was given, the run's own values where one goes on.
// Each setting tells its place in the spec; the data set and the recipe add the rest.
import { UserError } from "@lockstep/errors";
import { type RunSpec, runSpec } from "@lockstep/protocol";
import { z } from "zod";
import { select } from "./settings/all-settings.js";
import { dataSettings } from "./settings/declared/data.js";
import { specSettings } from "./settings/declared/run-spec.js";
import { defaultOf, type Given, type Setting } from "./settings/setting.js";

/** Those whose values a run keeps when it goes on. */
export const keptSettings = { ...specSettings, ...dataSettings, ...select("cacheDir") };
export type GivenToRun = Given<typeof keptSettings>;

/** The spec but for what the data set and the recipe tell. */
const draftSchema = z.object({
  ...runSpec.omit({ sampling: true }).shape,
  dataset: runSpec.shape.dataset.pick({ split: true, subset: true }).strip(),
  recipe: z.object({ options: runSpec.shape.recipe.shape.options }),
});
export type DraftSpec = z.output<typeof draftSchema>;

/** What no setting tells of a new run. */
const newRun = {
  formatVersion: 2,
  optimizer: { epsilon: 1e-8, clipNorm: null },
  recipe: { options: {} },
  precision: "f32",
} as const;

/** @param former the spec of the run that goes on: what is not given keeps its value */
export function draftSpec(given: Given<typeof specSettings>, former: RunSpec | null): DraftSpec {
  const spec: Tree = structuredClone(former ?? newRun);
  for (const [name, setting] of Object.entries<Setting>(specSettings)) {
    const { spec: path, toSpec } = setting;
    if (path === undefined || toSpec === null) continue;
    const there = leafOf(spec, path);
    const value = given[name as keyof typeof given]; // the table's own names
    // parseSettings has made the value: it is what toSpec takes.
    if (value !== undefined) write(spec, path, toSpec ? toSpec(value as never, there) : value);
    // The recipe fills in what its options lack, as it may have others.
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

/** Undefined where nothing stands. @param path for example `optimizer.name` */
export function leafOf(spec: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => (isTree(at) ? at[key] : undefined), spec);
}

type Tree = Record<string, unknown>;

/** Undefined: removes what stands there. */
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
