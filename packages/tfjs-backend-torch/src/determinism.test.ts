import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { GradientDigests } from "./testing/gradient-worker.js";
import { needsTorch } from "./testing/torch.js";

const workerUrl = new URL("./testing/gradient-worker.js", import.meta.url);

async function digests(): Promise<GradientDigests> {
  const worker = new Worker(workerUrl);
  const exited = once(worker, "exit");
  const [message] = (await once(worker, "message")) as [GradientDigests];
  const [code] = (await exited) as [number];
  assert.equal(code, 0);
  return message;
}

test(
  "two concurrent worker threads repeatedly compute the same bits as a single one, and exit with code 0",
  needsTorch,
  async () => {
    const [first, second] = await Promise.all([digests(), digests()]);
    const alone = await digests();
    assert.equal(new Set([...first.sha256, ...second.sha256, ...alone.sha256]).size, 1);
    assert.equal(first.sha256.length, 3);
    assert.deepEqual([first.nativeThreads, second.nativeThreads, alone.nativeThreads], [1, 1, 1]);
    assert.ok(first.nonZero > 1000, "most gradients are zero");
  },
);
