// The commands of the manifests train a run over mutual TLS, with an eviction of the coordinator, and end with the exit
// codes that the Jobs require. The test also probes and scrapes them, as the kubelet and Prometheus do.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandEnd, needsKustomize, needsTorch, runLockstep, temporaryFolder, waitFor } from "@lockstep/testkit";
import { LocalPods } from "./local-pods.js";
import { copyKustomizations } from "./render.js";

test("the coordinator ends with 130 after an eviction, the worker waits for its next pod, and all end with 0 after the run", {
  skip: needsKustomize() || needsTorch(),
}, async () => {
  const [folder, kustomizations] = [await temporaryFolder(), await copyKustomizations()];
  const pods = await LocalPods.prepare(folder.path, await kustomizations.render("overlays/dev"));
  const out = join(folder.path, "runs/run-1");
  const settings = {
    ...{ LOCKSTEP_OUT: out, LOCKSTEP_IMAGE_SIZE: "16", LOCKSTEP_WIDTHS: "4,8", LOCKSTEP_DENSE_UNITS: "16" },
    // Enough epochs that the run is not over before the eviction.
    LOCKSTEP_EPOCHS: "40",
  };
  const start = (component: string) => pods.start(component, settings);
  try {
    const [worker, exporter, coordinator] = [start("worker"), start("exporter"), start("coordinator")];
    await waitFor({
      what: "a step",
      deadlineMs: 90_000,
      look: async () => ((await metricsIn(out)).includes('"type":"step"') ? true : undefined),
    });
    await waitFor({
      what: "the exporter's connection to the coordinator",
      deadlineMs: 30_000,
      look: async () =>
        (await metricsAt(pods.address("exporter", 9464))).includes("\nlockstep_up 1") ? true : undefined,
    });
    for (const component of ["coordinator", "worker"]) {
      const probe = await runLockstep(["health", pods.address(component, 50052)]);
      assert.equal(probe.code, 0, `${component}: ${probe.stderr}`);
    }
    coordinator.signal("SIGTERM");
    const stopped = await coordinator.ended();
    assert.equal(stopped.code, 130, stopped.stderr);

    const finished = await Promise.all([start("coordinator").ended(), worker.ended()]);
    assert.deepEqual(codesOf(finished), [0, 0], stderrOf(finished));
    // The coordinator did not wait for further workers: the only one was connected at the end.
    assert.doesNotMatch(finished[0].stderr, /--linger/);
    const { completed, resumedFromStep } = JSON.parse(await readFile(join(out, "summary.json"), "utf8"));
    assert.ok(completed && resumedFromStep > 0);

    // Both Jobs are applied again, and the worker's pod starts late. The coordinator is ready until then.
    const again = start("coordinator");
    await waitFor({
      what: "readiness of the coordinator of the finished run",
      deadlineMs: 60_000,
      look: async () =>
        (await runLockstep(["health", pods.address("coordinator", 50052)])).code === 0 ? true : undefined,
    });
    const late = await Promise.all([again.ended(), start("worker").ended()]);
    assert.deepEqual(codesOf(late), [0, 0], stderrOf(late));
    assert.match(late[1].stderr, /the run is over/);

    exporter.signal("SIGTERM");
    assert.equal((await exporter.ended()).code, 130);
  } finally {
    await pods.dispose();
    await kustomizations.remove();
    await folder.remove();
  }
});

function codesOf(ends: readonly CommandEnd[]): (number | null)[] {
  return ends.map(({ code }) => code);
}

function stderrOf(ends: readonly CommandEnd[]): string {
  return ends.map(({ stderr }) => stderr).join("\n");
}

async function metricsAt(address: string): Promise<string> {
  const response = await fetch(`http://${address}/metrics`).catch(() => null); // not listening yet
  return response?.text() ?? "";
}

async function metricsIn(out: string): Promise<string> {
  return readFile(join(out, "metrics.jsonl"), "utf8").catch(() => ""); // not written yet
}
