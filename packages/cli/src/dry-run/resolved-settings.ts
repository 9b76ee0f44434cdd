// `resolvedSettings` lists the value and the origin of every setting of a run; `otherLeaves` lists the other fields of the run spec.
import type { RunSpec } from "@lockstep/protocol";
import { keptSettings, leafOf } from "../run-settings.js";
import type { Origins } from "../settings/apply-settings.js";
import { builtInSettings } from "../settings/declared/recipe.js";
import { specSettings } from "../settings/declared/run-spec.js";
import { defaultOf, keyOf, type Setting, type Settings } from "../settings/setting.js";
import { textForm } from "../settings/text-form.js";

export interface ResolvedSetting {
  readonly key: string;
  /** The value as a flag's text; for a default that is resolved later, its text in the help. */
  readonly value: string;
  /** `--seed`, `LOCKSTEP_SEED`, `run.yaml:3`, `the run` or `default`. */
  readonly from: string;
}

export function resolvedSettings(run: {
  readonly settings: Settings;
  /** Values by name, of the settings that are not in the run spec. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly origins: Origins;
  readonly spec: RunSpec;
  readonly isResumed: boolean;
}): ResolvedSetting[] {
  const { settings, values, origins, spec, isResumed } = run;
  const isForeign = (name: string): boolean => spec.recipe.sha256 !== undefined && name in builtInSettings;
  return Object.entries(settings)
    .filter(([name]) => !isForeign(name))
    .map(([name, setting]) => ({
      key: keyOf(name),
      value: shownValue(setting, setting.spec === undefined ? values[name] : leafOf(spec, setting.spec)),
      from: origins.get(name) ?? (isResumed && name in keptSettings ? "the run" : "default"),
    }));
}

/** Fields of the run spec without a setting: `optimizer.epsilon`, and what the data set and the recipe add. */
export function otherLeaves(spec: RunSpec): { readonly field: string; readonly value: string }[] {
  const told = Object.values<Setting>(specSettings).flatMap(({ spec: path }) => path ?? []);
  return leaves(spec, "")
    .filter(({ field }) => !told.some((path) => field === path || field.startsWith(`${path}.`)))
    .map(({ field, value }) => ({ field, value: JSON.stringify(value) }));
}

function shownValue(setting: Setting, found: unknown): string {
  const value = found !== undefined && setting.shown ? setting.shown(found) : found;
  if (value === undefined || value === null) return setting.defaultText ?? textForm(defaultOf(setting) ?? "none");
  return textForm(value) || "none";
}

function leaves(value: unknown, field: string): { field: string; value: unknown }[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [{ field, value }];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, field === "" ? key : `${field}.${key}`));
}
