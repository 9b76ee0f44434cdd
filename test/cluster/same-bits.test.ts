// The one idea, on real processes: however many workers there are, whatever dies, however often it is stopped, the
// weights are the same bytes. Each fault is shown to have happened.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  holdStep,
  needsTorch,
  runCluster,
  runLockstep,
  startCluster,
  temporaryFolder,
  waitFor,
} from "@lockstep/testkit";

const totalSteps = 22;

describe("the weights are a pure function of spec and data", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let expected: string;
  const outOf = (name: string): string => join(folder.path, name);

  before(async () => {
    folder = await temporaryFolder();
    const result = await runCluster({ out: outOf("reference"), flags: { workers: 1 } });
    assert.equal(result.steps, totalSteps);
    assert.equal(result.leasesRedone, 0);
    assert.equal(result.resumedFromStep, null);
    expected = result.weightsSha256;
  });
  after(() => folder.remove());

  test("one worker with two compute threads gives the same bits", async () => {
    const result = await runCluster({ out: outOf("two-threads"), flags: { workers: 1, threads: 2 } });
    assert.equal(result.weightsSha256, expected);
  });

  test("two workers with two compute threads each give the same bits, and both work", async () => {
    const out = outOf("two-workers");
    const result = await runCluster({ out, flags: { workers: 2, threads: 2 } });
    assert.equal(result.weightsSha256, expected);
    assertAllWorked(result.microBatchesByWorker, 2);
  });

  test("four workers give the same bits, and all of them work", async () => {
    const result = await runCluster({ out: outOf("four"), flags: { workers: 4 } });
    assert.equal(result.weightsSha256, expected);
    assertAllWorked(result.microBatchesByWorker, 4);
  });

  test("a run stopped by --max-steps in mid-epoch and resumed gives the same bits", async () => {
    const out = outOf("stopped");
    const stopped = await runCluster({ out, flags: { "max-steps": 5 } });
    assert.deepEqual([stopped.completed, stopped.steps], [false, 5]);
    assert.notEqual(stopped.weightsSha256, expected);
    const resumed = await runCluster({ out, flags: { resume: true, workers: 1 } });
    assert.deepEqual([resumed.completed, resumed.resumedFromStep], [true, 5]);
    assert.equal(resumed.weightsSha256, expected);
  });

  test("kill -9 of a worker in mid-upload costs only its leases, and it comes back", async () => {
    const kill = [3, 4, 5, 6, 7, 8].map(
      (step) => ({ fault: "kill", slot: 1, step, phase: "upload", pass: "train", generation: 1 }) as const,
    );
    const cluster = startCluster({ out: outOf("killed-worker"), faults: kill });
    const result = await cluster.result();
    assert.equal(result.weightsSha256, expected);
    assert.ok(result.leasesRedone > 0, "the killed worker's leases were computed by somebody else");
    assert.equal(result.resumedFromStep, null);
    assertAllWorked(result.microBatchesByWorker, 2);
    const restarts = (await cluster.log("launcher")).filter(({ msg }) =>
      /worker 1 ended \(SIGKILL\)/.test(String(msg)),
    );
    assert.equal(restarts.length, 1);
  });

  test("kill -9 of the coordinator in mid-step: it goes on from its last checkpoint", async () => {
    const cluster = startCluster({
      out: outOf("killed-coordinator"),
      flags: { "checkpoint-every": 4 },
      faults: holdStep(6, 2),
    });
    await cluster.step(6);
    await cluster.checkpoint(4);
    await cluster.kill("coordinator");
    const result = await cluster.result();
    assert.equal(result.weightsSha256, expected);
    assert.equal(result.resumedFromStep, 4);
    const generations = new Set((await cluster.metrics()).map(({ generation }) => generation));
    assert.deepEqual([...generations], [1, 2]);
    assert.ok(result.microBatchesByWorker.every((microBatches) => microBatches > 0));
  });

  test("Ctrl-C writes a checkpoint and exits with 130, and a resume gives the same bits", async () => {
    const out = outOf("interrupted");
    const cluster = startCluster({ out, faults: holdStep(6, 2) });
    await cluster.step(6);
    cluster.signal("SIGINT");
    const { code, stderr } = await cluster.ended();
    assert.equal(code, 130, stderr);
    const { code: verified, stdout } = await runLockstep(["checkpoint", "verify", out]);
    assert.deepEqual([verified, stdout.includes("broken")], [0, false]);
    const resumed = await runCluster({ out, flags: { resume: true } });
    assert.ok(Number(resumed.resumedFromStep) >= 6, `resumed from step ${resumed.resumedFromStep}`);
    assert.equal(resumed.weightsSha256, expected);
  });

  test("kill -9 of the launcher leaves no process behind, and the run goes on by --resume", async () => {
    const out = outOf("killed-launcher");
    const cluster = startCluster({ out, faults: holdStep(6, 2) });
    await cluster.step(6);
    const pids = (await cluster.processes()).map(({ pid }) => pid);
    assert.equal(pids.length, 4);
    cluster.signal("SIGKILL");
    await waitFor({
      what: "every process to be gone",
      deadlineMs: 20_000,
      look: async () => (pids.some(isAlive) ? undefined : true),
    });
    const resumed = await runCluster({ out, flags: { resume: true } });
    assert.ok(Number(resumed.resumedFromStep) >= 6, `resumed from step ${resumed.resumedFromStep}`);
    assert.equal(resumed.weightsSha256, expected);
  });

  test("a run resumed at once after kill -9 of its launcher waits for the checkpoint of the coordinator left behind", async () => {
    const out = outOf("resumed-at-once");
    // Talkative: what the coordinator says to a launcher that is gone must not end it before its checkpoint.
    const cluster = startCluster({ out, flags: { "log-level": "info" }, faults: holdStep(6, 2) });
    await cluster.step(6);
    cluster.signal("SIGKILL");
    const resumed = await runCluster({ out, flags: { resume: true } });
    assert.ok(Number(resumed.resumedFromStep) >= 6, `resumed from step ${resumed.resumedFromStep}`);
    assert.equal(resumed.weightsSha256, expected);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function assertAllWorked(microBatchesByWorker: readonly number[], workers: number): void {
  assert.equal(microBatchesByWorker.length, workers);
  assert.ok(
    microBatchesByWorker.every((microBatches) => microBatches > 0),
    `a worker was idle: ${microBatchesByWorker}`,
  );
}
