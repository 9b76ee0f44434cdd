// A run that computes a NaN ends, and an operator is told of it: by the alerts that are meant for that, and no others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { needsPrometheus, needsTorch, waitFor } from "@lockstep/testkit";
import { type ScrapedRun, startScrapedRun } from "./scraped-run.js";

const workers = 2;
const deadlineMs = 120_000;
const skip = needsTorch() || needsPrometheus();

let run: ScrapedRun;
before(async () => {
  if (skip !== false) return;
  run = await startScrapedRun({
    // One step with that rate, and the weights are so large that the next gradient overflows. It is held until Prometheus
    // has seen the run while all was well.
    flags: { workers, lr: 1e30 },
    faults: Array.from({ length: workers }, (_, slot) => ({
      ...{ slot, step: 1, ms: 9_000, fault: "delay", phase: "lease", pass: "train", generation: 1 },
    })),
    deadlineMs,
  });
});
after(() => run?.dispose());

test("a run whose gradient overflows raises the alerts for that alone", { skip }, async () => {
  const { cluster, prometheus, one } = run;
  const { code, stderr } = await cluster.ended();
  assert.equal(code, 1);
  assert.match(stderr, /computed a NaN or an infinity/);
  assert.equal(await one("max_over_time(lockstep_up[5m])"), 1);
  const firing = async (): Promise<string[]> => {
    const alerts = await prometheus.query("ALERTS");
    return alerts.map(({ labels }) => `${labels["alertname"]} ${labels["alertstate"]}`).sort();
  };
  // Groups of rules are evaluated at moments of their own: until all have seen the end, one may tell of an end untold.
  await waitFor({
    what: "all rules to have seen the end",
    deadlineMs,
    look: async () => ((await one("min_over_time(instance:lockstep_run_over:max[2s])")) === 1 ? true : undefined),
  });
  assert.deepEqual(await firing(), ["LockstepLossNotFinite firing", "LockstepRunFailed firing"]);
  assert.equal(await one("lockstep_nonfinite_total"), 1);
});
