import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunSpec, runSpec } from "@lockstep/protocol";
import { draftSpec } from "../run-settings.js";
import { select } from "../settings/all-settings.js";
import { specSettings } from "../settings/declared/run-spec.js";
import { otherLeaves, resolvedSettings } from "./resolved-settings.js";

const spec: RunSpec = runSpec.parse({
  ...draftSpec({ seed: 5, earlyStopPatience: 2 }, null),
  dataset: {
    kind: "synthetic",
    fingerprint: "f",
    split: "official",
    subset: 1,
    samples: { train: 7, val: 1, test: 0 },
  },
  recipe: {
    name: "fairface",
    options: { widths: [4, 8], taskWeights: { gender: 1, race: 3 }, augmentation: null, ageScale: 1 },
  },
});

function resolved(isResumed: boolean): Record<string, [string, string]> {
  const rows = resolvedSettings({
    settings: { ...specSettings, ...select("data", "columns", "workers", "maxSteps") },
    values: { data: "fairface", columns: { race: "ethnicity" }, workers: 2, recipeOptions: { sizes: [8], kind: "a" } },
    origins: new Map([["seed", "LOCKSTEP_SEED"]]),
    spec,
    isResumed,
  });
  return Object.fromEntries(rows.map(({ key, value, from }) => [key, [value, from]]));
}

test("every setting has the run's value and its origin", () => {
  const settings = resolved(false);
  assert.deepEqual(settings["seed"], ["5", "LOCKSTEP_SEED"]);
  assert.deepEqual(settings["image-size"], ["64", "default"]);
  assert.deepEqual(settings["widths"], ["4,8", "default"]);
  assert.deepEqual(settings["task-weights"], ["gender=1,race=3", "default"]);
  assert.deepEqual(settings["augmentation"], ["false", "default"]);
  assert.deepEqual(settings["early-stop-patience"], ["2", "default"]);
  assert.deepEqual(settings["early-stop-min-delta"], ["0", "default"]);
  assert.deepEqual(settings["sampling"], ["uniform", "default"]);
  assert.deepEqual(settings["clip-norm"], ["none", "default"]);
  assert.deepEqual(settings["init-from"], ["random, by --seed", "default"]);
  assert.deepEqual(settings["columns"], ["race=ethnicity", "default"]);
  assert.deepEqual(settings["max-steps"], ["none", "default"]);
  assert.deepEqual(settings["recipe-options"], [`sizes=[8],kind="a"`, "default"]);
});

test("settings that a resumed run keeps have the origin `the run`, launch options do not", () => {
  const settings = resolved(true);
  assert.equal(settings["image-size"]?.[1], "the run");
  assert.equal(settings["data"]?.[1], "the run");
  assert.equal(settings["workers"]?.[1], "default");
  assert.equal(settings["seed"]?.[1], "LOCKSTEP_SEED");
});

test("fields of the run spec without a flag are listed separately", () => {
  const fields = otherLeaves(spec).map(({ field }) => field);
  assert.ok(fields.includes("optimizer.epsilon") && fields.includes("recipe.options.ageScale"));
  assert.ok(!fields.some((field) => /^(seed|optimizer\.learningRate|recipe\.options\.taskWeights)/.test(field)));
});
