import assert from "node:assert/strict";
import { test } from "node:test";
import { GetStatusResponse, WorkerStatus } from "@lockstep/protocol";
import { remoteStatus, renderRemoteStatus } from "./remote-status.js";

test("what a worker says of its host, and who stopped the run of why, is text and steers no terminal", () => {
  const host = "gpu-1\u001b]0;owned\u0007\nworker 1: fine";
  const status = GetStatusResponse.create({
    ...{ runSpecJson: "{}", state: "stopping", reason: "\u001b[2Jgone", totalSteps: 22 },
    workers: [WorkerStatus.create({ slot: 0, connected: true, host, computeThreads: 2, generation: 1 })],
  });
  assert.deepEqual(renderRemoteStatus("here:1", remoteStatus(status)).split("\n"), [
    "here:1: stopping (\\u{1b}[2Jgone), epoch 1, step 0 of 22",
    "checkpoint:  step 0",
    "worker 0:    gpu-1\\u{1b}]0;owned\\u{7}\\u{a}worker 1: fine, 2 threads, generation 1, 0 micro-batches",
    "",
  ]);
});
