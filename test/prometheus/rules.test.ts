// The scrape config and the rules are what promtool takes; each alert was shown to be quiet, to fire and to resolve, and
// tells who is woken by it what is wrong and where to read on.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { needsPromtool } from "@lockstep/testkit";
import { parse, stringify } from "yaml";
import { promtool } from "./prometheus-server.js";
import { readRules, root, ruleTestsFolder, shippedExpressions, yamlFiles } from "./shipped-expressions.js";

const alerts = (await readRules()).filter(({ alert }) => alert !== undefined);
const skip = needsPromtool();

test("promtool takes the scrape config and its rules", { skip }, async () => {
  await promtool("check", "config", join(root, "deploy", "prometheus", "prometheus.yml"));
});

test("promtool takes every expression of the dashboard", { skip }, async () => {
  const rules = (await shippedExpressions()).map(({ expression }) => ({ record: "a:b:c", expr: expression }));
  const folder = await mkdtemp(join(tmpdir(), "lockstep-rules-"));
  try {
    // One group each: promtool finds equal rules of one group suspicious.
    const groups = rules.map((rule, index) => ({
      name: `expression ${index}`,
      rules: [{ ...rule, record: `a:b${index}:c` }],
    }));
    await writeFile(join(folder, "expressions.yml"), stringify({ groups }));
    await promtool("check", "rules", join(folder, "expressions.yml"));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the rules compute and fire as their unit tests say", { skip }, async () => {
  const files = (await yamlFiles(ruleTestsFolder)).map(({ name }) => join(ruleTestsFolder, name));
  assert.ok(files.length > 0);
  await promtool("test", "rules", ...files);
});

test("each alert is quiet, fires, and resolves in a unit test", async () => {
  const files = (await yamlFiles(ruleTestsFolder)) as { name: string; content: RuleTests }[];
  const timelines = files.flatMap(({ content }) => content.tests.map(firingOverTime));
  for (const { alert = "" } of alerts) {
    const shown = timelines.some((firing) => {
      const first = firing.findIndex((names) => names.includes(alert));
      return first > 0 && firing.slice(first).some((names) => !names.includes(alert));
    });
    assert.ok(shown, `${alert}: no test shows it quiet, then firing, then resolved`);
  }
});

test("each alert says how bad it is, what is wrong, what that means and where to read on", () => {
  for (const { alert = "", labels = {}, annotations = {} } of alerts) {
    assert.match(alert, /^Lockstep([A-Z][a-z]+)+$/);
    assert.match(labels["severity"] ?? "", /^(critical|warning)$/, alert);
    assert.deepEqual(Object.keys(annotations).sort(), ["description", "runbook", "summary"], alert);
    const anchor = alert.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
    assert.equal(annotations["runbook"], `docs/operations.md#${anchor}`);
    assert.match(annotations["summary"] ?? "", /\$labels\.instance/, `${alert}: says of which run`);
  }
});

interface RuleTests {
  readonly tests: readonly {
    readonly promql_expr_test: readonly {
      readonly expr: string;
      readonly eval_time: string;
      readonly exp_samples: readonly { readonly labels: string }[];
    }[];
  }[];
}

/** The names of the alerts that a unit test expects, at each time that it asks for all of them. */
function firingOverTime(ruleTest: RuleTests["tests"][number]): string[][] {
  return ruleTest.promql_expr_test
    .filter(({ expr }) => /^count by \([^)]*alertname[^)]*\) \(ALERTS\{alertstate="firing"\}\)$/.test(expr))
    .sort((a, b) => Number.parseInt(a.eval_time, 10) - Number.parseInt(b.eval_time, 10))
    .map(({ exp_samples }) =>
      exp_samples.map(({ labels }) => (parse(labels.replaceAll("=", ": ")) as { alertname: string }).alertname),
    );
}
