// The PrometheusRule of k8s/ contains the rules of deploy/prometheus, which promtool tests.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./render.js";

interface Script {
  readonly rulePath: string;
  prometheusRule(): string;
}

test("the PrometheusRule is equal to the output of scripts/prometheus-rule.mjs for deploy/prometheus/rules", async () => {
  const { rulePath, prometheusRule }: Script = await import(join(root, "scripts/prometheus-rule.mjs"));
  assert.equal(await readFile(join(root, rulePath), "utf8"), prometheusRule(), "run node scripts/prometheus-rule.mjs");
});
