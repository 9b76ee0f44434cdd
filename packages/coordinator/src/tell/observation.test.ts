// Tests what observers receive that subscribe late or again, over unix sockets.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CheckpointWritten,
  type EpochValidated,
  type Event,
  type RunStarted,
  type RunStatus,
  TelemetryClient,
  type WorkerPhase,
} from "@lockstep/protocol";
import { connect } from "@lockstep/service";
import { FakeWorker } from "../testing/fake-worker.js";
import { prepareFolder, tinyRun } from "../testing/prepared-folder.js";
import { quiet, recordsOf, start } from "../testing/running-coordinator.js";

const tiny = tinyRun();

/** The events up to the first for which `isLast` is true. */
async function eventsUntil(address: string, isLast: (event: NonNullable<Event["event"]>) => boolean): Promise<Event[]> {
  const { target, credentials, options } = connect({ address, log: quiet });
  const client = new TelemetryClient(target, credentials, options);
  const stream = client.subscribe({});
  stream.on("error", () => {}); // cancelled below
  const events: Event[] = [];
  try {
    for await (const event of stream as AsyncIterable<Event>) {
      events.push(event);
      if (event.event !== undefined && isLast(event.event)) return events;
    }
    throw new Error("the stream ended");
  } finally {
    stream.cancel();
    client.close();
  }
}

async function snapshot(address: string): Promise<{ started: RunStarted; status: RunStatus }> {
  const events = await eventsUntil(address, ({ $case }) => $case === "runStatus");
  const [first, last] = [events.at(0)?.event, events.at(-1)?.event];
  assert.ok(first?.$case === "runStarted" && last?.$case === "runStatus");
  return { started: first.value, status: last.value };
}

test("a late subscriber receives the totals of this generation, the last step and checkpoint, and the workers' health", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary, stop } = await start(out, { heartbeatIntervalMs: 20 });
  const before = await snapshot(address);
  assert.deepEqual([before.status.state, before.status.totals?.steps, before.status.workers], ["waiting", 0, []]);
  // The checkpoint from which the run started.
  assert.deepEqual(
    before.started.recent.map(({ event }) => event?.$case),
    ["checkpointWritten"],
  );

  const worker = await FakeWorker.join(address, tiny, { onLease: ({ step }) => step < 4 });
  await eventsUntil(address, (event) => {
    const [status] = event.$case === "runStatus" ? event.value.workers : [];
    return event.$case === "runStatus" && event.value.step === 4 && status?.vitals !== undefined;
  });
  const late = await snapshot(address);
  assert.ok(late.started.lifeBeganMs > 1.6e12);
  const { totals, workers, goodput, coordinator } = late.status;
  assert.deepEqual([totals?.steps, totals?.samples], [4, 60]);
  assert.deepEqual([totals?.workersLost, totals?.notFinite], [0, 0]);
  // The sums of four steps: for each step at least one sum of the flat layout.
  assert.ok((totals?.bytesReceived ?? 0) >= 4 * 4 * tiny.layout.numElements);
  assert.ok((totals?.bytesSent ?? 0) > 0);
  assert.ok(goodput > 0 && goodput <= 1, String(goodput));
  assert.ok((coordinator?.residentBytes ?? 0) > 1e6);
  const [only] = workers;
  assert.deepEqual([only?.slot, only?.connected, only?.backend], [0, true, "made-up"]);
  assert.deepEqual(only?.vitals, { residentBytes: 1_000_000, eventLoopDelaySeconds: 0.002 });
  assert.deepEqual(only?.gpus, [{ index: 0, utilization: 0.5, memoryUsedBytes: 10, memoryTotalBytes: 80 }]);
  assert.deepEqual([only?.totals?.trainMicroBatches, only?.totals?.validateMicroBatches], [4 + 4 + 3 + 4, 3]);
  assert.deepEqual(late.started.recent.map(({ event }) => event?.$case).sort(), [
    "checkpointWritten",
    "epochValidated",
    "stepCommitted",
  ]);
  const step = late.started.recent.find(({ event }) => event?.$case === "stepCommitted");
  assert.ok(step?.event?.$case === "stepCommitted" && step.event.value.step === 4);
  assert.ok((step.event.value.phases[0]?.barrierSeconds ?? 0) > 0);
  assert.ok(step.timeMs >= late.started.lifeBeganMs);

  stop("seen enough");
  const { validation } = await summary;
  worker.close();

  // The next generation counts from 0, and its recent events are those of its checkpoint.
  const second = await start(out);
  const resumed = await snapshot(second.address);
  assert.equal(resumed.status.totals?.steps, 0);
  const recent = Object.fromEntries(resumed.started.recent.map(({ event }) => [event?.$case, event?.value]));
  assert.deepEqual(Object.keys(recent).sort(), ["checkpointWritten", "epochValidated"]);
  assert.deepEqual((recent["epochValidated"] as EpochValidated).metrics, validation);
  assert.equal((recent["checkpointWritten"] as CheckpointWritten).step, 4);
  assert.ok(resumed.status.goodput > 0); // the checkpoint stores it
  second.stop("seen enough");
  await second.summary;
});

test("a worker without a lease in a step is recorded as waiting for all of it", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out, { expectedWorkers: 5, maxSteps: 1 });
  const workers = await Promise.all(Array.from({ length: 5 }, () => FakeWorker.join(address, tiny)));
  await summary;
  for (const worker of workers) worker.close();
  // The first step has four micro-batches, and each lease has one of them.
  const [step] = (await recordsOf(out, "metrics.jsonl")) as [{ phases: WorkerPhase[] }];
  assert.deepEqual(
    step.phases.map(({ slot }) => slot),
    [0, 1, 2, 3, 4],
  );
  const idle = step.phases.filter(({ microBatches }) => microBatches === 0);
  assert.equal(idle.length, 1);
  const longest = Math.max(...step.phases.map(({ barrierSeconds }) => barrierSeconds));
  assert.ok(Math.abs((idle[0]?.waitSeconds ?? 0) - longest) < 1e-9);
});

test("a worker that drains has left, and a worker whose connection breaks is lost", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary, stop } = await start(out);
  const [draining, broken, steady] = [
    await FakeWorker.join(address, tiny, { onLease: () => false }),
    await FakeWorker.join(address, tiny, { onLease: () => false }),
    await FakeWorker.join(address, tiny, { onLease: () => false }),
  ];
  const events = eventsUntil(
    address,
    ({ $case, value }) => $case === "workerLost" && value.slot === broken.joined.slot,
  );
  await snapshot(address); // by now the stream above is open
  draining.report({ $case: "draining", value: { reason: "asked to" } });
  draining.endSession();
  await eventsUntil(
    address,
    ({ $case, value }) => $case === "runStatus" && value.workers[draining.joined.slot]?.left === true,
  );
  broken.disconnect();
  const lost = (await events).flatMap(({ event }) => (event?.$case === "workerLost" ? [event.value] : []));
  assert.deepEqual(
    lost.map(({ slot, left }) => [slot, left]),
    [
      [draining.joined.slot, true],
      [broken.joined.slot, false],
    ],
  );
  const { status } = await snapshot(address);
  assert.equal(status.totals?.workersLost, 1);
  assert.deepEqual(
    status.workers.map(({ connected, left }) => [connected, left]),
    [
      [false, true],
      [false, false],
      [true, false],
    ],
  );
  stop("seen enough");
  await summary;
  for (const worker of [draining, broken, steady]) worker.close();
});

test("runFinished has no hash of the weights when an update made them infinite", async (t) => {
  const overflowing = tinyRun({ learningRate: 3e38 });
  const { out, remove } = await prepareFolder(overflowing);
  t.after(remove);
  const { address, summary } = await start(out);
  const end = eventsUntil(address, ({ $case }) => $case === "runFinished");
  await snapshot(address);
  const worker = await FakeWorker.join(address, overflowing);
  await assert.rejects(summary, { name: "RunFailed", message: /the update made/ });
  worker.close();
  const last = (await end).at(-1)?.event;
  assert.ok(last?.$case === "runFinished");
  assert.deepEqual([last.value.failed, last.value.weightsSha256], [true, ""]);
});

test("the event of a NaN is published before the end of the run", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  const end = eventsUntil(address, ({ $case }) => $case === "runFinished");
  await snapshot(address);
  const worker = await FakeWorker.join(address, tiny, {
    tamper: (requests) => {
      const [head, ...rest] = requests;
      if (head?.part?.$case !== "header") return requests;
      const proofs = head.part.value.proofs.map((proof) => ({ ...proof, finite: false }));
      return [{ part: { $case: "header", value: { ...head.part.value, proofs } } }, ...rest];
    },
  });
  await assert.rejects(summary, { name: "RunFailed" });
  const events = await end;
  worker.close();
  const nan = events.find(({ event }) => event?.$case === "notFinite")?.event;
  assert.ok(nan?.$case === "notFinite");
  assert.match(nan.value.reason, /^step 0, micro-batch \d of slot 0$/);
  const last = events.at(-1)?.event;
  assert.ok(last?.$case === "runFinished" && last.value.failed);
  assert.match(last.value.weightsSha256, /^[0-9a-f]{64}$/);
  const status = events.findLast(({ event }) => event?.$case === "runStatus")?.event;
  assert.ok(status?.$case === "runStatus" && status.value.totals?.notFinite === 1 && status.value.state === "finished");
});
