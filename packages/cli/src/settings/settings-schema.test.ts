import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { keyOf } from "./setting.js";
import { settingsIn } from "./settings-file.js";
import { schemaPath, settingsSchema } from "./settings-schema.js";

const example = readFileSync(new URL("../../../../examples/run.yaml", import.meta.url), "utf8");

test("the committed schema is the one of the flags", () => {
  const hint =
    "npx lockstep config schema > packages/cli/schema/run.schema.json; npx biome format --write packages/cli";
  assert.deepEqual(JSON.parse(readFileSync(schemaPath, "utf8")), settingsSchema(), hint);
});

test("the schema accepts the example, typed or as the flags have it, and refuses what a run would refuse", () => {
  // The schema's own types are wider than what zod reads; it is JSON either way.
  const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(settingsSchema())));
  const settings: Record<string, unknown> = parse(example);
  assert.ok(schema.safeParse(settings).success);
  assert.deepEqual([...settingsIn(example, "run.yaml").keys()].map(keyOf), Object.keys(settings));
  assert.ok(schema.safeParse({ "image-size": "32", widths: "8,16", "task-weights": "race=2" }).success);
  for (const resume of [true, false, "auto"]) assert.ok(schema.safeParse({ resume }).success);
  assert.ok(
    schema.safeParse({ "recipe-options": { flip: true, kind: "deep", sizes: [[8]], loss: { age: 2 } } }).success,
  );
  const bad: [string, unknown][] = [
    ["image-size", 0],
    ["imagesize", 32],
    ["widths", ["a"]],
    ["task-weights", { faces: 1 }],
    ["split", "halves"],
    ["dropout", 1],
    ["augmentation", "no"],
    ["resume", "always"],
    ["data", 3],
  ];
  for (const [key, value] of bad) assert.ok(!schema.safeParse({ ...settings, [key]: value }).success, key);
});
