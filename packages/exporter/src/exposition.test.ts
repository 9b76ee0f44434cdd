import assert from "node:assert/strict";
import { test } from "node:test";
import { catalogue } from "./catalogue.js";
import { Exposition } from "./exposition.js";
import type { Sample } from "./samples.js";

/** The lines of one metric, without HELP and TYPE. */
function linesOf(text: string, name: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(name));
}

const up: Sample = { name: "lockstep_up", labels: {}, value: 1 };
const steps: Sample = { name: "lockstep_steps_total", labels: {}, value: 7 };

test("both formats have every metric of the catalogue, with its type and help", async () => {
  const exposition = new Exposition();
  const [text, openMetrics] = [await exposition.render("text", []), await exposition.render("openMetrics", [])];
  for (const [name, { type, help }] of Object.entries(catalogue)) {
    assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name);
    // OpenMetrics names the family without the counter's suffix.
    const family = type === "counter" ? name.replace(/_total$/, "") : name;
    assert.ok(openMetrics.includes(`# TYPE ${family} ${type}\n`), name);
  }
  assert.ok(openMetrics.endsWith("\n# EOF\n"));
  assert.ok(!text.includes("# EOF"));
});

test("a metric without a value has no series: no counter is 0 before something was counted", async () => {
  const exposition = new Exposition();
  for (const format of ["text", "openMetrics"] as const) {
    const before = await exposition.render(format, [up]);
    const series = before.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    // A histogram without labels has its empty buckets: it counts what this process has seen.
    assert.deepEqual(
      series.filter((line) => !line.startsWith("lockstep_step_duration_seconds")),
      ["lockstep_up 1"],
    );
    assert.deepEqual(linesOf(await exposition.render(format, [up, steps]), "lockstep_steps_total"), [
      "lockstep_steps_total 7",
    ]);
    assert.deepEqual(linesOf(await exposition.render(format, [up]), "lockstep_steps_total"), []);
  }
});

test("a counter has the coordinator's value, however often it is scraped; histograms grow", async () => {
  const exposition = new Exposition();
  for (let scrape = 0; scrape < 2; scrape++) {
    assert.match(await exposition.render("text", [steps]), /^lockstep_steps_total 7$/m);
  }
  const phase = "lockstep_step_phase_duration_seconds";
  exposition.observe([{ name: phase, labels: { phase: "load" }, value: 0.02 }]);
  exposition.observe([{ name: phase, labels: { phase: "load" }, value: 0.3 }]);
  for (const format of ["text", "openMetrics"] as const) {
    const text = await exposition.render(format, []);
    assert.match(text, /^lockstep_step_phase_duration_seconds_bucket\{le="0.025",phase="load"\} 1$/m);
    assert.match(text, /^lockstep_step_phase_duration_seconds_count\{phase="load"\} 2$/m);
  }
});

test("NaN is written so that Prometheus reads it", async () => {
  const loss: Sample = { name: "lockstep_loss", labels: { part: "train_step" }, value: Number.NaN };
  assert.match(await new Exposition().render("text", [loss]), /^lockstep_loss\{part="train_step"\} NaN$/im);
});
