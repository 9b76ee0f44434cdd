// The names of the metrics, as Prometheus' own linter sees them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { catalogue, type MetricDescription } from "@lockstep/exporter";
import { needsPromtool } from "@lockstep/testkit";

const entries: readonly (readonly [string, MetricDescription])[] = Object.entries(catalogue);

test("promtool finds nothing to say about the catalogue", { skip: needsPromtool() }, () => {
  // The linter looks at metrics that have a value only.
  const text = entries.flatMap(([name, { type, help, labels, buckets = [] }]) => {
    const own = labels.map((label) => `${label}="0"`);
    const series = (suffix: string, extra: readonly string[] = []): string =>
      `${name}${suffix}{${[...own, ...extra].join(",")}} 1`;
    const values =
      type === "histogram"
        ? [...[...buckets, "+Inf"].map((le) => series("_bucket", [`le="${le}"`])), series("_sum"), series("_count")]
        : [series("")];
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values];
  });
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: `${text.join("\n")}\n`,
    encoding: "utf8",
  });
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
});

test("a name says its unit, and that it counts; labels are bounded; helps are whole lines", () => {
  for (const [name, { type, unit, help, labels }] of entries) {
    assert.match(name, /^lockstep_[a-z][a-z_]*$/);
    const base = type === "counter" ? name.replace(/_total$/, "") : name;
    assert.equal(type === "counter", name.endsWith("_total"), name);
    if (unit !== null) assert.ok(base.endsWith(`_${unit}`), `${name} is in ${unit}`);
    assert.ok(!labels.some((label) => /id$|host|session/.test(label)), name);
    assert.match(help, /^[A-Z0-9].*[^.]$/, name);
  }
});
