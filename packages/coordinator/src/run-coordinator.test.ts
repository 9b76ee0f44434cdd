// Tests whole runs over unix sockets, with workers that send made-up gradients.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { CheckpointStore } from "@lockstep/checkpoint";
import { RunFailed } from "@lockstep/errors";
import {
  ControlClient,
  type Event,
  encodeTensorChunks,
  float32Bytes,
  type SubmitSumRequest,
  TelemetryClient,
} from "@lockstep/protocol";
import { connect } from "@lockstep/service";
import { clientOf, FakeWorker, join as joinAs } from "./testing/fake-worker.js";
import { prepareFolder, tinyRun } from "./testing/prepared-folder.js";
import { quiet, recordsOf, start, undisturbed } from "./testing/running-coordinator.js";

const tiny = tinyRun();
const reference = undisturbed(tiny);

test("two workers complete a run: its records, ledger, checkpoints and summary are right, and its bits are those of one worker", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out, { checkpointEvery: 2, expectedWorkers: 2 });
  const workers = await Promise.all([FakeWorker.join(address, tiny), FakeWorker.join(address, tiny)]);
  const result = await summary;
  for (const worker of workers) {
    assert.deepEqual(await worker.finished, { completed: true, mayGoOn: false, reason: "the run reached its end" });
    assert.deepEqual(worker.refusals, []);
    worker.close();
  }

  const expected = await reference;
  assert.equal(result.weightsSha256, expected.weightsSha256);
  assert.deepEqual(result.validation, expected.validation);
  assert.equal(result.loss, expected.loss);
  assert.equal(result.completed, true);
  assert.deepEqual([result.steps, result.epochs, result.samples], [6, 2, 88]);
  assert.equal(result.resumedFromStep, null);
  assert.equal(result.leasesRedone, 0);
  assert.equal(
    result.microBatchesByWorker.reduce((a, b) => a + b, 0),
    2 * (4 + 4 + 3 + 3),
  );
  assert.ok(result.microBatchesByWorker.every((count) => count > 0));
  assert.deepEqual(result.numerics, { backend: "made-up", threads: 1 });
  assert.ok(result.imagesPerSecond !== null && result.imagesPerSecond > 0);
  assert.equal(result.phaseSeconds.compute !== null && result.phaseSeconds.compute >= 0.003, true);
  assert.deepEqual(JSON.parse(await readFile(join(out, "summary.json"), "utf8")), result);

  const metrics = await recordsOf(out, "metrics.jsonl");
  assert.deepEqual(
    metrics.map(({ type, step, epoch }) => `${type} ${step} ${epoch}`),
    ["step 1 0", "step 2 0", "step 3 0", "validation 3 0", "step 4 1", "step 5 1", "step 6 1", "validation 6 1"],
  );
  const ledger = await recordsOf(out, "ledger.jsonl");
  for (const [index, record] of ledger.entries()) {
    const leases = record["leases"] as { firstMicroBatch: number; count: number; digests: string[] }[];
    const digests = leases.flatMap((lease) => lease.digests);
    assert.deepEqual(digests, index % 3 === 2 ? ["d0", "d1", "d2"] : ["d0", "d1", "d2", "d3"]);
  }
  assert.equal(ledger.length, 6);
  // Which others exist depends on the speed of the disk, because a newer snapshot replaces one that waits.
  const checkpoints = await readdir(join(out, "checkpoints"));
  assert.ok(checkpoints.includes("step-00000003") && checkpoints.includes("step-00000006"), checkpoints.join());
  assert.ok(checkpoints.length <= 4);
});

test("a worker that joins while the last checkpoint is written gets UNAVAILABLE, not run-over", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  let numWrites = 0;
  const codes: unknown[] = [];
  const running = await start(out, {
    onCheckpointPhase: async (phase) => {
      if (phase !== "folder made" || ++numWrites < 2) return;
      const client = clientOf(running.address);
      codes.push(await joinAs(client, tiny).catch((error) => error.code));
      client.close();
    },
  });
  const worker = await FakeWorker.join(running.address, tiny);
  assert.equal((await running.summary).completed, true);
  worker.close();
  assert.deepEqual(codes, [status.UNAVAILABLE]);
});

test("images per second are computed from the samples of each step, not from the global batch", async (t) => {
  // An epoch is one step of 44 samples, and the global batch would be 4096.
  const short = tinyRun({ epochs: 3, globalBatch: 4096 });
  const { out, remove } = await prepareFolder(short);
  t.after(remove);
  const { address, summary } = await start(out);
  const worker = await FakeWorker.join(address, short);
  const { imagesPerSecond } = await summary;
  worker.close();
  const seconds = (await recordsOf(out, "metrics.jsonl")).flatMap(({ stepSeconds }) =>
    typeof stepSeconds === "number" ? [stepSeconds] : [],
  );
  const median = seconds.toSorted((a, b) => a - b)[1] ?? Number.NaN;
  assert.equal(imagesPerSecond, 44 / median);
});

test("the training metrics of an epoch are means weighted by samples", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  const worker = await FakeWorker.join(address, tiny);
  await summary;
  worker.close();
  const metrics = await recordsOf(out, "metrics.jsonl");
  const steps = metrics.slice(0, 3) as { numSamples: number; metrics: { loss: number; accuracy: number } }[];
  const mean = (name: "loss" | "accuracy"): number =>
    steps.reduce((sum, step) => sum + step.numSamples * step.metrics[name], 0) / 44;
  const recorded = metrics[3]?.["trainingMetrics"] as { loss: number; accuracy: number };
  assert.ok(Math.abs(recorded.loss - mean("loss")) < 1e-12);
  assert.ok(Math.abs(recorded.accuracy - mean("accuracy")) < 1e-12);
});

test("when a worker's connection breaks during a lease, only that lease is repeated", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  const broken = await FakeWorker.join(address, tiny, {
    onLease: (lease, worker) => {
      if (lease.step < 1) return true;
      worker.disconnect();
      return false;
    },
  });
  const other = await FakeWorker.join(address, tiny);
  const result = await summary;
  broken.close();
  other.close();
  assert.equal(result.leasesRedone, 1);
  assert.equal(result.weightsSha256, (await reference).weightsSha256);
});

test("a worker that sends no heartbeats is lost after the timeout", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out, { heartbeatTimeoutMs: 400, heartbeatIntervalMs: 50 });
  const silent = await FakeWorker.join(address, tiny, { onLease: () => false, heartbeatEveryMs: 1_000_000 });
  const steady = await FakeWorker.join(address, tiny);
  const result = await summary;
  assert.equal(await silent.finished, null);
  silent.close();
  steady.close();
  assert.equal(result.leasesRedone, 1);
  assert.equal(result.weightsSha256, (await reference).weightsSha256);
});

test("weights and sums of several chunks are complete, and two compute threads change no bit", async (t) => {
  const wide = tinyRun({ epochs: 1, kernelRows: 300_000 });
  const expected = await undisturbed(wide);
  const { out, remove } = await prepareFolder(wide);
  t.after(remove);
  const { address, summary } = await start(out);
  const workers = await Promise.all(
    [2, 1, 1].map((computeThreads) => FakeWorker.join(address, wide, { claim: { computeThreads } })),
  );
  const result = await summary;
  for (const worker of workers) {
    assert.deepEqual(worker.refusals, []);
    worker.close();
  }
  assert.equal(result.weightsSha256, expected.weightsSha256);
  assert.equal(result.weightsSha256.length, 64);
});

test("a worker with other numerics is admitted when that is allowed, and the run is marked", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out, { allowMixedNumerics: true });
  const claims = [{}, { numericsJson: `{"backend":"other","threads":1}`, pixelsSha256: "p2" }];
  const workers = await Promise.all(claims.map((claim) => FakeWorker.join(address, tiny, { claim })));
  const result = await summary;
  for (const worker of workers) worker.close();
  assert.equal(result.exact, false);
  assert.equal((await reference).exact, true);
});

test("a gradient that overflows in the sum ends the run before the weights are changed", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  const worker = await FakeWorker.join(address, tiny, {
    tamper: (requests, lease) => {
      const [head] = requests;
      if (lease.step !== 1 || head === undefined) return requests;
      const huge = new Float32Array(tiny.layout.numElements).fill(Number.POSITIVE_INFINITY);
      const chunks = [...encodeTensorChunks(float32Bytes(huge))];
      return [head, ...chunks.map((value): SubmitSumRequest => ({ part: { $case: "chunk", value } }))];
    },
  });
  await assert.rejects(summary, { name: "RunFailed", message: /^step 1: the gradient's norm is Infinity/ });
  worker.close();
});

test("weights that overflow in an update end the run as failed, and the checkpoint before the update is kept", async (t) => {
  const overflowing = tinyRun({ learningRate: 3e38 });
  const { out, remove } = await prepareFolder(overflowing);
  t.after(remove);
  const { address, summary } = await start(out, { checkpointEvery: 1 });
  const worker = await FakeWorker.join(address, overflowing);
  await assert.rejects(summary, {
    name: "RunFailed",
    message: /^step \d: the update made \d+ of 21 values NaN or infinite, .* learning rate below 3e\+38, or clip/,
  });
  worker.close();
  const store = new CheckpointStore(join(out, "checkpoints"));
  const { checkpoint, skipped } = await store.newestValid();
  assert.ok(checkpoint !== null);
  assert.deepEqual(skipped, []);
});

test("a NaN ends the run with the slot and the micro-batch in the message, and the state before it is kept", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  const worker = await FakeWorker.join(address, tiny, {
    tamper: (requests, lease) => {
      const [head, ...rest] = requests;
      if (lease.step !== 1 || head?.part?.$case !== "header") return requests;
      const proofs = head.part.value.proofs.map((proof) => ({ ...proof, finite: proof.microBatch !== 2 }));
      const header: SubmitSumRequest = { part: { $case: "header", value: { ...head.part.value, proofs } } };
      return [header, ...rest];
    },
  });
  await assert.rejects(summary, (error) => {
    assert.ok(error instanceof RunFailed);
    assert.match(error.message, /^step 1, micro-batch 2: slot 0 computed a NaN or an infinity/);
    return true;
  });
  await worker.finished;
  worker.close();
  const { checkpoint } = await new CheckpointStore(join(out, "checkpoints")).newestValid();
  assert.equal(checkpoint?.step, 1);
});

test("observers receive the events and the status of a run, and can stop it", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const stopReasons: string[] = [];
  const { address, summary } = await start(out, { onStop: (reason) => stopReasons.push(reason) });
  const { target, credentials, options } = connect({ address, log: quiet });
  const telemetry = new TelemetryClient(target, credentials, options);
  const control = new ControlClient(target, credentials, options);
  const kinds: string[] = [];
  const stream = telemetry.subscribe({});
  const streamEnded = once(stream, "end");
  stream.on("data", ({ event }: Event) => {
    if (event?.$case !== "runStatus") kinds.push(event?.$case ?? "nothing"); // it also comes at intervals
    if (event?.$case === "stepCommitted" && event.value.step === 2) control.stop({ reason: "seen enough" }, () => {});
  });
  await once(stream, "data");
  const before = await new Promise<{ state: string; reason: string }>((resolve, reject) =>
    telemetry.getStatus({}, (error, status) => (error === null ? resolve(status) : reject(error))),
  );
  assert.deepEqual([before.state, before.reason], ["waiting", "waiting for a worker"]);
  const worker = await FakeWorker.join(address, tiny, { onLease: ({ step }) => step < 2 });
  const result = await summary;
  await streamEnded;
  worker.close();
  telemetry.close();
  control.close();
  assert.deepEqual(stopReasons, ["seen enough"]);
  assert.deepEqual([result.reason, result.steps], ["seen enough", 2]);
  assert.deepEqual(kinds, [
    "runStarted",
    "workerJoined",
    "stepCommitted",
    "stepCommitted",
    "checkpointWritten",
    "runFinished",
  ]);
});
