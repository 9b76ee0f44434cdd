import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { EpochValidated, type Event, RunStarted, StepCommitted, WorkerLost } from "@lockstep/protocol";
import { createDisplay } from "./display.js";
import { durationText, epochLine, fitted, progressBar, progressLine } from "./progress-text.js";
import {
  advanceProgress,
  imagesPerSecond,
  noProgress,
  type RunProgress,
  recentMetrics,
  secondsLeft,
} from "./run-progress.js";

type Body = NonNullable<Event["event"]>;

const eventAt = (timeMs: number, event: Body): Event => ({ sequence: 1, coordinatorGeneration: 1, timeMs, event });

const started: Body = {
  $case: "runStarted",
  value: RunStarted.create({ runSpecJson: "{}", totalSteps: 40, stepsPerEpoch: 20, samplesPerEpoch: 1270 }),
};

const joined = (slot: number, generation = 1, backend = "torch"): Body => ({
  $case: "workerJoined",
  value: { slot, generation, host: "here", computeThreads: 1, backend },
});

const committed = (step: number, metrics: Record<string, number>): Body => ({
  $case: "stepCommitted",
  value: StepCommitted.create({
    step,
    numSamples: 64,
    metrics,
    learningRate: 1e-4,
    gradientNorm: 1,
    stepSeconds: 0.25,
  }),
});

const validated: Body = {
  $case: "epochValidated",
  value: EpochValidated.create({
    epoch: 2,
    step: 60,
    numSamples: 100,
    metrics: { loss: 1.934, raceLoss: 1, genderAccuracy: 0.82, raceAccuracy: 0.526, ageMae: 10.7, ageRmse: 14.04 },
    trainingMetrics: { loss: 1.9681, genderAccuracy: 0.8 },
    seconds: 1,
  }),
};

const after = (...events: Event[]): RunProgress => events.reduce(advanceProgress, noProgress);

test("speed is images over the steps' own seconds, time left goes by the clock", () => {
  const progress = after(
    eventAt(0, started),
    eventAt(1000, committed(1, { loss: 3 })),
    eventAt(1500, committed(2, { loss: 2 })),
  );
  assert.equal(imagesPerSecond(progress), 256);
  assert.equal(secondsLeft(progress), 19);
  assert.deepEqual(recentMetrics(progress), { loss: 2.5 });
});

test("a validation between two steps does not count as a slow step", () => {
  const progress = after(
    eventAt(0, started),
    eventAt(1000, committed(1, {})),
    eventAt(9000, validated),
    eventAt(9500, committed(2, {})),
  );
  assert.equal(secondsLeft(progress), 19);
});

test("after a restart of the coordinator, position and workers are those that it reports", () => {
  const restarted = { ...started, value: { ...started.value, step: 8, resumed: true } } as Body;
  const progress = after(
    eventAt(0, started),
    eventAt(0, joined(1)),
    eventAt(0, joined(0)),
    eventAt(1, committed(9, {})),
    eventAt(2, restarted),
    eventAt(3, joined(1)),
  );
  assert.deepEqual([progress.step, progress.workers, progress.recent], [8, [1], []]);
});

test("the line of an epoch reads as the document's log", () => {
  assert.equal(validated.$case, "epochValidated");
  if (validated.$case !== "epochValidated") return;
  assert.equal(
    epochLine(validated.value, 20),
    "Epoch 3/20  train loss 1.97  val loss 1.93  gender 0.82  race 0.53  age RMSE 14.0",
  );
});

test("the live line and the bar", () => {
  const progress = after(
    eventAt(0, started),
    eventAt(0, joined(0)),
    eventAt(0, joined(1)),
    eventAt(1000, committed(9, { loss: 2, genderAccuracy: 0.7 })),
    eventAt(1500, committed(10, { loss: 2, genderAccuracy: 0.8 })),
  );
  assert.equal(
    progressLine(progress),
    "epoch 1/2  step 10/40  2 workers  256 images/s  loss 2.000  gender 0.75  15s left",
  );
  assert.equal(progressBar(progress), "[=====>                  ]  25%");
  assert.equal(progressBar({ ...progress, step: 0 }), "[                        ]   0%");
  assert.equal(progressBar({ ...progress, step: 40 }), "[========================] 100%");
});

test("durations", () => {
  assert.deepEqual([0.4, 59.6, 60, 3599, 7260].map(durationText), ["0s", "1m 0s", "1m 0s", "59m 59s", "2h 1m"]);
});

test("without a terminal there is a plain line every few seconds, and one for each thing that matters", () => {
  const stream = new PassThrough();
  let nowMs = 0;
  // A pipe: what a WriteStream has beyond it (columns, cursor) is for terminals.
  const display = createDisplay({ stream: stream as unknown as NodeJS.WriteStream, nowMs: () => nowMs });
  display.preparing({ stage: "decoding", done: 100, total: 100 });
  display.event(eventAt(0, started));
  display.event(eventAt(0, joined(1)));
  for (let step = 1; step <= 30; step++) {
    nowMs += 250;
    display.event(eventAt(nowMs, committed(step, { loss: 2 })));
  }
  display.event(
    eventAt(nowMs, {
      $case: "workerLost",
      value: WorkerLost.create({ slot: 1, generation: 1, reason: "its session ended", leasesLost: 2 }),
    }),
  );
  display.event(eventAt(nowMs, joined(1, 2)));
  display.event(eventAt(nowMs, validated));
  display.close();
  assert.deepEqual(String(stream.read()).trim().split("\n"), [
    "decoding 100/100 100%",
    "training 40 steps",
    "epoch 2/2  step 20/40  1 worker  256 images/s  loss 2.000  5s left",
    "worker 1 is lost: its session ended; 2 of its leases go to others",
    "worker 1 is back (generation 2)",
    "Epoch 3/2  train loss 1.97  val loss 1.93  gender 0.82  race 0.53  age RMSE 14.0",
  ]);
});

test("the warning about plain JavaScript is shown once, for any number of such workers", () => {
  const stream = new PassThrough();
  const display = createDisplay({ stream: stream as unknown as NodeJS.WriteStream, nowMs: () => 0 }); // as above
  for (const slot of [0, 1]) display.event(eventAt(0, joined(slot, 1, "cpu")));
  display.close();
  const text = String(stream.read());
  assert.equal(text.match(/computing in plain JavaScript \(backend cpu\)/g)?.length, 1);
  for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
});

test("a line that is too long is broken between two parts", () => {
  assert.deepEqual(fitted(["epoch 1/2", "step 3/40", "loss 2.000"], 20), ["epoch 1/2  step 3/40", "loss 2.000"]);
  assert.deepEqual(fitted(["a part that is longer than a line", "b"], 20), ["a part that is longer than a line", "b"]);
});
