// A worker's exit code tells whoever starts it again (a Job, a service manager) whether there may be work left.
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

test("a worker stays when its coordinator is terminated, and ends with 0 when a person or its end has ended the run", {
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
    await aStep(out, 1);
    coordinator.signal("SIGTERM");
    assert.deepEqual(await codesOf(coordinator), [130]);

    const second = lead("--resume");
    await aStep(out, 2);
    const stop = await runLockstep(["stop", "--coordinator", address]);
    assert.equal(stop.code, 0, stop.stderr);
    assert.deepEqual(await codesOf(second, worker), [0, 0]);

    assert.deepEqual(await codesOf(lead("--resume"), work()), [0, 0]);
    assert.equal(JSON.parse(await readFile(join(out, "summary.json"), "utf8")).completed, true);

    // Workers that come after the end: the coordinator waits for as many as were expected, and no longer.
    const finished = lead("--resume", "auto", "--linger", "60", "--expected-workers", "2");
    assert.deepEqual(await codesOf(finished, work(), work()), [0, 0, 0]);
  } finally {
    await Promise.all(started.map((process) => process.dispose()));
    await folder.remove();
  }
});

test("a worker that would compute other bits ends with 3, and the run goes on without it", {
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
    await aStep(out, 1);
    const unfit = await runLockstep([...work, "--backend", "cpu"]);
    assert.equal(unfit.code, 3, unfit.stderr);
    assert.match(
      unfit.stderr,
      /lockstep: the coordinator refused this worker: .*backend: the run has "torch", the worker "cpu"/,
    );
    const stop = await runLockstep(["stop", "--coordinator", address]);
    assert.equal(stop.code, 0, stop.stderr);
    assert.deepEqual([(await coordinator.ended()).code, (await worker.ended()).code], [0, 0]);
  } finally {
    await Promise.all([coordinator.dispose(), worker.dispose()]);
    await folder.remove();
  }
});

/** @param life of the coordinator */
function aStep(out: string, life: number): Promise<true> {
  return waitFor({
    what: `a step of life ${life}`,
    deadlineMs: 60_000,
    look: async () => {
      const metrics = await readFile(join(out, "metrics.jsonl"), "utf8").catch(() => ""); // not written yet
      return metrics.includes(`"type":"step","generation":${life}`) ? true : undefined;
    },
  });
}
