// Exit codes of workers, by which a supervisor (a Job, a service manager) decides whether to start them again.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  type LockstepProcess,
  needsTorch,
  runLockstep,
  startLockstep,
  temporaryFolder,
  waitFor,
} from "@lockstep/testkit";

test("a worker waits when its coordinator is terminated, and ends with 0 after the run has ended or was stopped by a person", {
  skip: needsTorch(),
}, async () => {
  const folder = await temporaryFolder();
  const address = `unix:${join(folder.path, "run.sock")}`;
  const out = join(folder.path, "run");
  const started: LockstepProcess[] = [];
  const start = (...args: string[]) => {
    const data = ["--data", "synthetic:200", "--cache-dir", join(folder.path, "cache")];
    const process = startLockstep([...args, ...data], { deadlineMs: 180_000 });
    started.push(process);
    return process;
  };
  const lead = (...args: string[]) => start("coordinator", "--out", out, "--listen", address, ...args);
  const work = () => start("worker", "--coordinator", address, "--connect-timeout", "60");
  const codesOf = (...ends: LockstepProcess[]) =>
    Promise.all(ends.map(async (process) => (await process.ended()).code));
  try {
    const spec = ["--image-size", "16", "--widths", "4,8", "--dense-units", "16", "--micro-batch", "4"];
    const [coordinator, worker] = [lead(...spec, "--global-batch", "16", "--epochs", "20"), work()];
    await waitForStep(out, 1);
    coordinator.signal("SIGTERM");
    assert.deepEqual(await codesOf(coordinator), [130]);

    const second = lead("--resume");
    await waitForStep(out, 2);
    const stop = await runLockstep(["stop", "--coordinator", address]);
    assert.equal(stop.code, 0, stop.stderr);
    assert.deepEqual(await codesOf(second, worker), [0, 0]);

    assert.deepEqual(await codesOf(lead("--resume"), work()), [0, 0]);
    assert.equal(JSON.parse(await readFile(join(out, "summary.json"), "utf8")).completed, true);

    // Workers that start after the end: the coordinator waits until the expected number of them has joined, and then
    // ends.
    const finished = lead("--resume", "auto", "--linger", "60", "--expected-workers", "2");
    assert.deepEqual(await codesOf(finished, work(), work()), [0, 0, 0]);
  } finally {
    await Promise.all(started.map((process) => process.dispose()));
    await folder.remove();
  }
});

test("a worker that would compute other bits ends with 3, and the run continues without it", {
  skip: needsTorch(),
}, async () => {
  const folder = await temporaryFolder();
  const address = `unix:${join(folder.path, "run.sock")}`;
  const out = join(folder.path, "run");
  const data = ["--data", "synthetic:200", "--cache-dir", join(folder.path, "cache")];
  const spec = ["--image-size", "16", "--widths", "4,8", "--dense-units", "16", "--micro-batch", "4", "--epochs", "20"];
  const coordinator = startLockstep(["coordinator", "--out", out, "--listen", address, ...data, ...spec], {
    deadlineMs: 180_000,
  });
  const work = ["worker", "--coordinator", address, "--connect-timeout", "60", ...data];
  const worker = startLockstep([...work, "--backend", "torch"], { deadlineMs: 180_000 });
  try {
    await waitForStep(out, 1);
    const unfit = await runLockstep([...work, "--backend", "cpu"]);
    assert.equal(unfit.code, 3, unfit.stderr);
    assert.match(
      unfit.stderr,
      /lockstep: the coordinator refused this worker: .*backend: the run has "torch", the worker has "cpu"/,
    );
    const stop = await runLockstep(["stop", "--coordinator", address]);
    assert.equal(stop.code, 0, stop.stderr);
    assert.deepEqual([(await coordinator.ended()).code, (await worker.ended()).code], [0, 0]);
  } finally {
    await Promise.all([coordinator.dispose(), worker.dispose()]);
    await folder.remove();
  }
});

/** @param generation the coordinator's generation */
function waitForStep(out: string, generation: number): Promise<true> {
  return waitFor({
    what: `a step of generation ${generation}`,
    deadlineMs: 60_000,
    look: async () => {
      const metrics = await readFile(join(out, "metrics.jsonl"), "utf8").catch(() => ""); // not written yet
      return metrics.includes(`"type":"step","generation":${generation}`) ? true : undefined;
    },
  });
}
