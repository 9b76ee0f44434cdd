// A worker's exit code tells whoever starts it again (a Job, a service manager) whether there is work left.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { needsTorch, temporaryFolder, waitFor } from "@lockstep/testkit";

const lockstepPath = fileURLToPath(new URL("../../../packages/cli/bin/lockstep.js", import.meta.url));

test("a worker ends with 130 when its coordinator is stopped, and with 0 when the run is over", {
  skip: needsTorch(),
}, async () => {
  const folder = await temporaryFolder();
  const address = `unix:${join(folder.path, "run.sock")}`;
  const out = join(folder.path, "run");
  const start = (...args: string[]) => {
    const cache = ["--data", "synthetic:200", "--cache-dir", join(folder.path, "cache")];
    const child = spawn(process.execPath, [lockstepPath, ...args, ...cache], { stdio: "ignore" });
    return { child, ended: once(child, "close").then(([code]) => code as number | null) };
  };
  const lead = (...args: string[]) => start("coordinator", "--out", out, "--listen", address, ...args);
  const work = () => start("worker", "--coordinator", address, "--connect-timeout", "60");
  try {
    const spec = ["--image-size", "16", "--widths", "4,8", "--dense-units", "16", "--micro-batch", "4"];
    const first = lead(...spec, "--global-batch", "16", "--epochs", "8");
    const worker = work();
    await waitFor({
      what: "a step",
      deadlineMs: 60_000,
      look: async () => ((await metricsOf(out)).includes('"type":"step"') ? true : undefined),
      hopeless: () => (first.child.exitCode === null ? null : `the coordinator ended with ${first.child.exitCode}`),
    });
    first.child.kill("SIGTERM");
    assert.deepEqual([await first.ended, await worker.ended], [130, 130]);

    const [second, again] = [lead("--resume"), work()];
    assert.deepEqual([await second.ended, await again.ended], [0, 0]);
  } finally {
    await folder.remove();
  }
});

async function metricsOf(out: string): Promise<string> {
  return readFile(join(out, "metrics.jsonl"), "utf8").catch(() => ""); // not written yet
}
