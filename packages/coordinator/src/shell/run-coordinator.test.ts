// Whole runs over real unix sockets, with workers whose gradients are made up.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { CheckpointStore } from "@lockstep/checkpoint";
import { UserError } from "@lockstep/errors";
import {
  ControlClient,
  type Event,
  encodeTensorChunks,
  float32Bytes,
  Pass,
  type SubmitSumRequest,
  TelemetryClient,
  WireError,
  type WireErrorCode,
} from "@lockstep/protocol";
import { connect } from "@lockstep/service";
import { type CoordinatorOptions, RunFailed, runCoordinator } from "./run-coordinator.js";
import type { RunSummary } from "./summary.js";
import { clientOf, FakeWorker, join as joinAs } from "./testing/fake-worker.js";
import { prepareFolder, type TinyRun, tinyRun } from "./testing/prepared-folder.js";

const quiet = { info: () => {}, warn: () => {} };

interface Running {
  readonly address: string;
  readonly summary: Promise<RunSummary>;
  stop(reason: string): void;
}

async function start(out: string, changes: Partial<CoordinatorOptions> = {}): Promise<Running> {
  const stopper = new AbortController();
  const { promise: listening, resolve } = deferred<string>();
  const summary = runCoordinator({
    out,
    listen: `unix:${join(out, "s")}`,
    checkpointEvery: null,
    keepLast: 3,
    maxSteps: null,
    allowMixedNumerics: false,
    log: quiet,
    stopGraceMs: 100,
    signal: stopper.signal,
    onListening: resolve,
    ...changes,
  });
  summary.catch(() => {}); // the test awaits it later
  const address = await Promise.race([listening, summary.then(() => "")]);
  return { address, summary, stop: (reason) => stopper.abort(new Error(reason)) };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function recordsOf(out: string, file: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(out, file), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** What an undisturbed run with one worker gives. */
async function undisturbed(tiny: TinyRun): Promise<RunSummary> {
  const { out, remove } = await prepareFolder(tiny);
  try {
    const { address, summary } = await start(out);
    const worker = await FakeWorker.join(address, tiny);
    const result = await summary;
    worker.close();
    return result;
  } finally {
    await remove();
  }
}

const tiny = tinyRun();
const reference = undisturbed(tiny);

test("two workers train to the end: records, ledger, checkpoints, summary, and the same bits as one worker", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out, { checkpointEvery: 2, expectedWorkers: 2 });
  const workers = await Promise.all([FakeWorker.join(address, tiny), FakeWorker.join(address, tiny)]);
  const result = await summary;
  for (const worker of workers) {
    assert.deepEqual(await worker.finished, { completed: true, reason: "the run reached its end" });
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
  // Which of the others were still written depends on the disk: a newer snapshot replaces one that waits.
  const checkpoints = await readdir(join(out, "checkpoints"));
  assert.ok(checkpoints.includes("step-00000003") && checkpoints.includes("step-00000006"), checkpoints.join());
  assert.ok(checkpoints.length <= 4);
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
  const told = metrics[3]?.["trainingMetrics"] as { loss: number; accuracy: number };
  assert.ok(Math.abs(told.loss - mean("loss")) < 1e-12);
  assert.ok(Math.abs(told.accuracy - mean("accuracy")) < 1e-12);
});

test("a worker that vanishes in mid-lease costs that lease alone", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  const doomed = await FakeWorker.join(address, tiny, {
    onLease: (lease, worker) => {
      if (lease.step < 1) return true;
      worker.vanish();
      return false;
    },
  });
  const survivor = await FakeWorker.join(address, tiny);
  const result = await summary;
  doomed.close();
  survivor.close();
  assert.equal(result.leasesRedone, 1);
  assert.equal(result.weightsSha256, (await reference).weightsSha256);
});

test("a worker that falls silent is lost after the timeout", async (t) => {
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

test("weights and sums of several chunks arrive whole, and two compute threads change no bit", async (t) => {
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

test("a gradient that overflows in the sum stops the run before the weights are touched", async (t) => {
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

test("a join that does not fit is refused with the code of what does not fit", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary, stop } = await start(out);
  const first = await FakeWorker.join(address, tiny, { onLease: () => false, claim: { wantedSlot: 2 } });
  const client = clientOf(address);
  const refusals: [WireErrorCode, Parameters<typeof joinAs>[2], RegExp][] = [
    ["protocol-version", { protocolVersion: 999 }, /protocol 999/],
    ["run-spec", { runSpecSha256: "0" }, /run spec is 0/],
    ["dataset-fingerprint", { datasetFingerprint: "f2" }, /f2, the run's f1/],
    ["layout", { layoutSha256: "0" }, /layout is 0/],
    [
      "numerics",
      { numericsJson: `{"backend":"other","threads":1}` },
      /backend: the run has "made-up", the worker "other"/,
    ],
    ["pixels", { pixelsSha256: "p2" }, /p2, the run's p1/],
    ["slot-taken", { wantedSlot: 2 }, /slot 2/],
    ["bad-request", { instanceId: "" }, /instance_id/],
    ["bad-request", { numericsJson: "{" }, /not JSON/],
  ];
  for (const [code, changes, message] of refusals) {
    await assert.rejects(joinAs(client, tiny, changes), (error) => {
      assert.ok(error instanceof WireError, `${code}: ${error}`);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
  stop("enough");
  await summary;
  client.close();
  first.close();
});

test("a run that is stopped and resumed in mid-epoch gives the same bits", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const first = await start(out, { stopGraceMs: 60_000 });
  const worker = await FakeWorker.join(first.address, tiny, {
    onLease: ({ step }) => {
      if (step === 1) first.stop("a person asked");
      return true;
    },
  });
  const stopped = await first.summary;
  assert.deepEqual(await worker.finished, { completed: false, reason: "a person asked" });
  worker.close();
  assert.deepEqual([stopped.completed, stopped.reason, stopped.steps], [false, "a person asked", 2]);
  const { checkpoint } = await new CheckpointStore(join(out, "checkpoints")).newestValid();
  assert.equal(checkpoint?.step, 2);

  const second = await start(out);
  const other = await FakeWorker.join(second.address, tiny);
  const result = await second.summary;
  other.close();
  const expected = await reference;
  assert.equal(result.resumedFromStep, 2);
  assert.equal(
    result.microBatchesByWorker.reduce((a, b) => a + b, 0),
    2 * (4 + 4 + 3 + 3),
    "each micro-batch counts once over both lives",
  );
  assert.equal(result.coordinatorGeneration, 2);
  assert.equal(result.weightsSha256, expected.weightsSha256);
  assert.deepEqual(result.validation, expected.validation);
  assert.equal(result.loss, expected.loss);
  const validations = (await recordsOf(out, "metrics.jsonl")).filter(({ type }) => type === "validation");
  assert.equal(validations.length, 2);
});

test("a resumed run takes its reference numerics from the checkpoint", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const first = await start(out, { maxSteps: 1 });
  (await FakeWorker.join(first.address, tiny)).finished.catch(() => {});
  assert.equal((await first.summary).reason, "reached 1 steps (--max-steps)");
  const second = await start(out);
  const client = clientOf(second.address);
  await assert.rejects(joinAs(client, tiny, { pixelsSha256: "p2" }), { code: "pixels" });
  second.stop("enough");
  await second.summary;
  client.close();
});

test("a coordinator killed without warning goes on from its checkpoint to the same bits", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const thread = new Worker(new URL("testing/coordinator-thread.js", import.meta.url), {
    workerData: { out, listen: `unix:${join(out, "s")}`, checkpointEvery: 2 },
  });
  const [{ address }] = (await once(thread, "message")) as [{ address: string }];
  const telemetry = connect({ address, log: quiet });
  const observer = new TelemetryClient(telemetry.target, telemetry.credentials, telemetry.options);
  const written = deferred<void>();
  const events = observer.subscribe({});
  events.on("data", ({ event }: Event) => {
    if (event?.$case === "checkpointWritten") written.resolve();
  });
  events.on("error", () => {});
  // Step 5 (index 4) is never answered: by then the checkpoint of step 2 or 4 is under way.
  const reached = deferred<void>();
  const worker = await FakeWorker.join(address, tiny, {
    onLease: ({ step, pass }) => {
      if (step < 4 || pass === Pass.VALIDATE) return true;
      reached.resolve();
      return false;
    },
  });
  await Promise.all([reached.promise, written.promise]);
  await thread.terminate();
  assert.equal(await worker.finished, null);
  worker.close();
  observer.close();

  const second = await start(out);
  const other = await FakeWorker.join(second.address, tiny);
  const result = await second.summary;
  other.close();
  assert.equal(result.coordinatorGeneration, 2);
  assert.deepEqual(result.microBatchesByWorker, [28]);
  assert.ok(result.resumedFromStep === 2 || result.resumedFromStep === 3 || result.resumedFromStep === 4);
  assert.equal(result.weightsSha256, (await reference).weightsSha256);
});

test("a NaN stops the run, names the culprit and keeps the state before", async (t) => {
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

test("a damaged upload is refused, given up by its worker, and computed again", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  let damaged = 0;
  const worker: FakeWorker = await FakeWorker.join(address, tiny, {
    onLease: (lease) => {
      if (damaged === 1 && worker.refusals.length === 1) damaged = 2;
      return lease.leaseId > 0;
    },
    tamper: (requests, lease) => {
      const [head, chunk] = requests;
      if (lease.leaseId !== 1 || head === undefined || chunk?.part?.$case !== "chunk") return requests;
      damaged = 1;
      const data = Buffer.from(chunk.part.value.data);
      data[0] = (data[0] ?? 0) ^ 1;
      setImmediate(function waitForRefusal() {
        if (worker.refusals.length === 0) setImmediate(waitForRefusal);
        else worker.report({ $case: "leaseFailed", value: { leaseId: 1, reason: "upload refused" } });
      });
      return [head, { part: { $case: "chunk", value: { ...chunk.part.value, data } } }];
    },
  });
  const result = await summary;
  worker.close();
  assert.deepEqual(
    worker.refusals.map((error) => (error instanceof WireError ? error.code : error)),
    ["bad-chunk"],
  );
  assert.equal(result.leasesRedone, 1);
  assert.equal(result.weightsSha256, (await reference).weightsSha256);
});

test("weights and sums of another generation, step or session are refused", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary, stop } = await start(out);
  const refused: string[] = [];
  const done = deferred<void>();
  const worker: FakeWorker = await FakeWorker.join(address, tiny, {
    onLease: async (lease, self) => {
      for (const changes of [{ coordinatorGeneration: 9 }, { step: 5 }, { weightsDigest: "0" }]) {
        await self.fetchWeights(lease, changes).catch((error) => refused.push(error.metadata.get("lockstep-error")[0]));
      }
      done.resolve();
      return false;
    },
  });
  await done.promise;
  assert.deepEqual(refused, ["stale-generation", "stale-lease", "stale-lease"]);
  stop("enough");
  await summary;
  worker.close();
});

test("observers hear the run from the start, see its status, and may stop it", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const asked: string[] = [];
  const { address, summary } = await start(out, { onStop: (reason) => asked.push(reason) });
  const { target, credentials, options } = connect({ address, log: quiet });
  const telemetry = new TelemetryClient(target, credentials, options);
  const control = new ControlClient(target, credentials, options);
  const heard: string[] = [];
  const stream = telemetry.subscribe({});
  const streamEnded = once(stream, "end");
  stream.on("data", ({ event }: Event) => {
    heard.push(event?.$case ?? "nothing");
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
  assert.deepEqual(asked, ["seen enough"]);
  assert.deepEqual([result.reason, result.steps], ["seen enough", 2]);
  assert.deepEqual(heard, [
    "runStarted",
    "workerJoined",
    "stepCommitted",
    "stepCommitted",
    "checkpointWritten",
    "runFinished",
  ]);
});

test("a folder that is not a prepared run is the user's mistake", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  await assert.rejects(
    start(join(out, "nowhere")).then(({ summary }) => summary),
    UserError,
  );
});
