// The whole chain as an operator has it: a run, its exporter, a real Prometheus. Every panel of the dashboard shows
// something while the run trains, the figures are the run's own, and no alert is on its way after it has ended well.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Cluster, holdStep, needsPrometheus, needsTorch, waitFor } from "@lockstep/testkit";
import { asText, type ScrapedRun, startScrapedRun } from "./scraped-run.js";
import { asPromQl, panelsOf, readDashboard } from "./shipped-expressions.js";

const workers = 2;
/** Of 11 steps each. */
const epochs = 6;
/** Late steps that take long, so that Prometheus comes by often enough between the first and the last. */
const heldSteps = [46, 48, 50, 52, 54, 56, 58, 60, 62, 64];
const deadlineMs = 120_000;

describe("a Prometheus that scrapes a live run", { skip: needsTorch() || needsPrometheus() }, () => {
  let run: ScrapedRun;

  before(async () => {
    run = await startScrapedRun({
      flags: { workers, epochs, "checkpoint-every": 20 },
      faults: heldSteps.flatMap((step) => holdStep(step, workers)),
      deadlineMs,
    });
  });
  after(() => run?.dispose());

  test("every panel has figures while the run trains, those of GPUs aside", async () => {
    const { cluster, prometheus, instance } = run;
    const waiting = new Map(
      panelsOf(await readDashboard())
        .flatMap(({ id, title, targets = [] }) =>
          targets.map(({ refId, expr }) => ({ panel: `${id} ${title} ${refId}`, expr })),
        )
        .filter(({ expr }) => !expr.includes("_gpu_"))
        .map(({ panel, expr }) => [panel, asPromQl(expr, { window: "10s", instance })]),
    );
    assert.ok(waiting.size > 50);
    await waitFor({
      what: "figures for every panel",
      deadlineMs,
      failure: watchEnd(cluster),
      look: async () => {
        for (const [panel, expression] of waiting) {
          const samples = await prometheus.query(expression);
          if (samples.length > 0 && samples.every(({ value }) => Number.isFinite(value))) waiting.delete(panel);
        }
        return waiting.size === 0 ? true : undefined;
      },
    }).catch((cause: unknown) => {
      throw new Error(`no figures for ${[...waiting].map((entry) => entry.join(": ")).join("\n")}`, { cause });
    });
  });

  test("the figures are those of the run", async () => {
    const { cluster, one } = run;
    assert.equal(await one("up"), 1);
    assert.equal(await one("max_over_time(lockstep_up[5m])"), 1);
    const result = await cluster.result();
    await waitFor({
      what: "a scrape after the end",
      deadlineMs,
      look: async () => ((await one('lockstep_run_outcome{outcome="completed"}')) === 1 ? true : undefined),
    });
    assert.equal(await one("lockstep_steps_total"), result.steps);
    assert.equal(await one("lockstep_step"), result.steps);
    assert.equal(await one("lockstep_planned_steps"), result.steps);
    assert.equal(await one("lockstep_samples_total"), result.samples);
    assert.equal(await one("lockstep_checkpoint_step"), result.steps);
    assert.equal(await one("lockstep_nonfinite_total"), 0);
    // What it learned is gone from the exporter with the coordinator, and stands in Prometheus.
    const recorded = (await cluster.metrics()).filter(({ type }) => type === "step");
    const losses = new Set(recorded.map(({ metrics }) => metrics["loss"]));
    const lastLoss = await one('last_over_time(lockstep_loss{part="train_step"}[5m])');
    assert.ok(losses.has(lastLoss), `${lastLoss} is the loss of some step`);
  });

  test("no alert fires, or is about to, once the run has ended well", async () => {
    const { prometheus, one } = run;
    await waitFor({
      what: "the exporter to say that the coordinator has gone",
      deadlineMs,
      look: async () => ((await one("lockstep_up")) === 0 ? true : undefined),
    });
    await waitFor({
      what: "the rules to be evaluated after that",
      deadlineMs,
      look: async () => ((await one("min_over_time(instance:lockstep_run_over:max[2s])")) === 1 ? true : undefined),
    });
    assert.deepEqual((await prometheus.query("ALERTS")).map(asText), []);
    assert.equal(await one("instance:lockstep_unsaved_seconds:age"), 0);
  });
});

function watchEnd(cluster: Cluster): () => string | null {
  let reason: string | null = null;
  void cluster.ended().then(({ code }) => {
    reason = `the run ended with ${code}`;
  });
  return () => reason;
}
