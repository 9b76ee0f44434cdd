// A worker's exit code tells whoever starts it again (a Job, a service manager) whether there is work left.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type LockstepProcess, needsTorch, startLockstep, temporaryFolder, waitFor } from "@lockstep/testkit";

test("a worker ends with 130 when its coordinator is stopped, and with 0 when the run is over", {
  skip: needsTorch(),
}, async () => {
  const folder = await temporaryFolder();
  const address = `unix:${join(folder.path, "run.sock")}`;
  const out = join(folder.path, "run");
  const started: LockstepProcess[] = [];
  const start = (...args: string[]) => {
    const data = ["--data", "synthetic:200", "--cache-dir", join(folder.path, "cache")];
    const process = startLockstep([...args, ...data]);
    started.push(process);
    return process;
  };
  const lead = (...args: string[]) => start("coordinator", "--out", out, "--listen", address, ...args);
  const work = () => start("worker", "--coordinator", address, "--connect-timeout", "60");
  const codesOf = (...ends: LockstepProcess[]) =>
    Promise.all(ends.map(async (process) => (await process.ended()).code));
  try {
    const spec = ["--image-size", "16", "--widths", "4,8", "--dense-units", "16", "--micro-batch", "4"];
    const [coordinator, worker] = [lead(...spec, "--global-batch", "16", "--epochs", "8"), work()];
    await waitFor({
      what: "a step",
      deadlineMs: 60_000,
      look: async () => ((await metricsIn(out)).includes('"type":"step"') ? true : undefined),
    });
    coordinator.signal("SIGTERM");
    assert.deepEqual(await codesOf(coordinator, worker), [130, 130]);
    assert.deepEqual(await codesOf(lead("--resume"), work()), [0, 0]);
  } finally {
    await Promise.all(started.map((process) => process.dispose()));
    await folder.remove();
  }
});

async function metricsIn(out: string): Promise<string> {
  return readFile(join(out, "metrics.jsonl"), "utf8").catch(() => ""); // not written yet
}
