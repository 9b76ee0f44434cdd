// Tests that a coordinator resumes a run of an earlier generation, with the same bits.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { CheckpointStore } from "@lockstep/checkpoint";
import { UserError } from "@lockstep/errors";
import { type Event, Pass, TelemetryClient } from "@lockstep/protocol";
import { connect } from "@lockstep/service";
import { clientOf, FakeWorker, join as joinAs } from "./testing/fake-worker.js";
import { prepareFolder, tinyRun } from "./testing/prepared-folder.js";
import { deferred, quiet, recordsOf, start, undisturbed } from "./testing/running-coordinator.js";

const tiny = tinyRun();
const reference = undisturbed(tiny);

test("a run that is stopped and resumed within an epoch gives the same bits", async (t) => {
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
  assert.deepEqual(await worker.finished, { completed: false, mayGoOn: true, reason: "a person asked" });
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
    "each micro-batch counts once over both generations",
  );
  assert.equal(result.coordinatorGeneration, 2);
  assert.equal(result.weightsSha256, expected.weightsSha256);
  assert.deepEqual(result.validation, expected.validation);
  assert.equal(result.loss, expected.loss);
  const validations = (await recordsOf(out, "metrics.jsonl")).filter(({ type }) => type === "validation");
  assert.equal(validations.length, 2);
});

test("the time without workers before a stop is kept by the next generation", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  // There is no step, so no checkpoint stores the time.
  const first = await start(out);
  first.stop("no worker joined");
  const { goodput, ...result } = await first.summary;
  assert.ok(Math.abs(goodput.wallSeconds - result.seconds) < 1);
  // As if it had waited for eight hours.
  const day = { ...goodput, wallSeconds: 28_800 };
  await writeFile(join(out, "summary.json"), JSON.stringify({ ...result, goodput: day }));
  const second = await start(out);
  second.stop("no worker joined again");
  const later = await second.summary;
  assert.ok(Math.abs(later.goodput.wallSeconds - 28_800 - later.seconds) < 1, `${later.goodput.wallSeconds} s`);
});

test("a previous result that cannot be read is logged as a warning, and the run starts", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  await writeFile(join(out, "summary.json"), "{");
  const warnings: string[] = [];
  const warn = (_: object, message: string): void => void warnings.push(message);
  const { summary, stop } = await start(out, { log: { ...quiet, warn } });
  stop("enough");
  assert.equal((await summary).steps, 0);
  assert.equal(warnings.filter((warning) => /^the run's earlier duration is unknown: /.test(warning)).length, 1);
});

test("a coordinator that cannot bind its address does not change the generation and the last result", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const first = await start(out);
  first.stop("enough");
  await first.summary;
  const files = ["coordinator.json", "summary.json"];
  const before = await Promise.all(files.map((name) => readFile(join(out, name), "utf8")));
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    start(out, { listen: `127.0.0.1:${port}` }).then(({ summary }) => summary),
    UserError,
  );
  assert.deepEqual(await Promise.all(files.map((name) => readFile(join(out, name), "utf8"))), before);
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

test("a coordinator that was killed is resumed from its checkpoint with the same bits", async (t) => {
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
  // The worker never sends the sum of step index 4. By then the checkpoint of step 2 or 4 is being written.
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

test("an early stop completes the run at the same epoch when it is resumed, and the run stays complete", async (t) => {
  // With this minDelta the second epoch is never an improvement.
  const impatient = tinyRun({ epochs: 5, earlyStop: { patience: 1, minDelta: 1e9 } });
  const expected = await undisturbed(impatient);
  assert.deepEqual([expected.completed, expected.epochs, expected.steps], [true, 2, 6]);
  assert.match(expected.reason, /^early stop: val loss no lower in 1 epoch \(best .* after epoch 1\)$/);

  const { out, remove } = await prepareFolder(impatient);
  t.after(remove);
  const first = await start(out, { maxSteps: 4 });
  const worker = await FakeWorker.join(first.address, impatient);
  assert.equal((await first.summary).completed, false);
  worker.close();
  const second = await start(out);
  const other = await FakeWorker.join(second.address, impatient);
  const resumed = await second.summary;
  other.close();
  assert.deepEqual(
    [resumed.reason, resumed.steps, resumed.weightsSha256],
    [expected.reason, 6, expected.weightsSha256],
  );

  const third = await (await start(out)).summary;
  assert.deepEqual([third.completed, third.reason, third.steps], [true, expected.reason, 6]);
  assert.equal(third.weightsSha256, expected.weightsSha256);
});
