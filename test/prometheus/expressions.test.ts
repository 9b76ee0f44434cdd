// Every PromQL expression that we ship parses, and asks for what the exporter serves: no panel and no alert waits for a
// metric, a label or a state that does not exist.
import assert from "node:assert/strict";
import { test } from "node:test";
import { catalogue, type MetricDescription, outcomes, parts, passes, phases, states } from "@lockstep/exporter";
import { askedBy } from "./promql.js";
import { type Expression, readRules, ruleTestsFolder, shippedExpressions, yamlFiles } from "./shipped-expressions.js";

const recorded = (await readRules()).flatMap(({ record }) => record ?? []);
const shipped = await shippedExpressions();

/** Of every scraped series. */
const targetLabels = ["job", "instance"];
/** Series that Prometheus makes itself. */
const ownSeries: Readonly<Record<string, readonly string[]>> = {
  up: [],
  ALERTS: ["alertname", "alertstate", "worker"],
};
const labelValues: Readonly<Record<string, readonly string[]>> = {
  phase: phases,
  part: parts,
  pass: passes,
  state: states,
  outcome: outcomes,
};

test("rules, panels, marks and variables are all looked at", () => {
  const kinds = new Set(shipped.map(({ where }) => where.split(" ")[0]));
  assert.deepEqual([...kinds].sort(), ["mark", "panel", "rule", "variable"]);
});

test("every expression asks for metrics and labels that exist", () => {
  assert.deepEqual(shipped.flatMap(complaints), []);
});

test("every recording rule is used", () => {
  const used = new Set(shipped.flatMap(({ expression }) => askedBy(expression).selectors.map(({ metric }) => metric)));
  assert.deepEqual(
    recorded.filter((name) => !used.has(name)),
    [],
  );
});

test("the unit tests of rules are fed with series that exist", async () => {
  const files = (await yamlFiles(ruleTestsFolder)) as { name: string; content: RuleTests }[];
  const series = files.flatMap(({ name, content }) =>
    content.tests.flatMap(({ input_series }) =>
      input_series.map((fed) => ({ where: `${name}: ${fed.series}`, expression: fed.series })),
    ),
  );
  assert.ok(series.length > 0);
  assert.deepEqual(series.flatMap(complaints), []);
});

test("what does not exist is found", () => {
  const complaintsOf = (expression: string): string[] => complaints({ where: "here", expression });
  assert.deepEqual(complaintsOf("rate(lockstep_stepz_total[5m])"), ["here: no metric lockstep_stepz_total"]);
  assert.deepEqual(complaintsOf("lockstep_step_bucket"), ["here: no metric lockstep_step_bucket"]);
  assert.deepEqual(complaintsOf("sum(lockstep_step_duration_seconds)"), [
    "here: lockstep_step_duration_seconds is a histogram: _bucket, _sum or _count",
  ]);
  assert.deepEqual(complaintsOf('lockstep_step{worker="0"}'), ["here: lockstep_step has no label worker"]);
  assert.deepEqual(complaintsOf("sum by (worker) (lockstep_step)"), ["here: no metric in it has the label worker"]);
  assert.deepEqual(complaintsOf('lockstep_run_state{state=~"training|idle"}'), ["here: no state is called idle"]);
  assert.throws(() => complaintsOf("sum(lockstep_step"), /not PromQL/);
});

interface RuleTests {
  readonly tests: readonly { readonly input_series: readonly { readonly series: string }[] }[];
}

function complaints({ where, expression }: Expression): string[] {
  const { selectors, groupedBy } = askedBy(expression);
  const known = new Set(targetLabels);
  const found = selectors.flatMap(({ metric, matchers }) => {
    const labels = labelsOf(metric);
    if (typeof labels === "string") return [labels];
    for (const label of labels) known.add(label);
    return matchers.flatMap(({ label, value }) => {
      if (![...targetLabels, ...labels].includes(label)) return [`${metric} has no label ${label}`];
      const values = labelValues[label];
      const unknown = value.split("|").filter((one) => values !== undefined && !values.includes(one));
      return unknown.map((one) => `no ${label} is called ${one}`);
    });
  });
  const strange = found.length > 0 ? [] : groupedBy.filter((label) => !known.has(label));
  return [...found, ...strange.map((label) => `no metric in it has the label ${label}`)].map(
    (text) => `${where}: ${text}`,
  );
}

/** Its labels, or what is wrong with its name. */
function labelsOf(metric: string): readonly string[] | string {
  const own = ownSeries[metric];
  if (own !== undefined) return own;
  // A recorded series has the labels of its level.
  if (recorded.includes(metric)) return metric.startsWith("instance:") ? [] : [metric.slice(0, metric.indexOf(":"))];
  const described = new Map<string, MetricDescription>(Object.entries(catalogue));
  const direct = described.get(metric);
  if (direct?.type === "histogram") return `${metric} is a histogram: _bucket, _sum or _count`;
  if (direct !== undefined) return direct.labels;
  const [, family, suffix] = /^(.+)_(bucket|sum|count)$/.exec(metric) ?? [];
  const histogram = described.get(family ?? "");
  if (histogram?.type !== "histogram") return `no metric ${metric}`;
  return suffix === "bucket" ? [...histogram.labels, "le"] : histogram.labels;
}
