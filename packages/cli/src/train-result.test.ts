import assert from "node:assert/strict";
import { test } from "node:test";
import { finishedNotes, renderSummary, trainResult } from "./train-result.js";

const summary = {
  completed: false,
  reason: "SIGINT",
  steps: 42,
  epochs: 3,
  samples: 2550,
  seconds: 12,
  imagesPerSecond: 408,
  loss: 2.6,
  validation: { loss: 2.519, genderLoss: 0.656, raceLoss: 1.77, ageLoss: 0.09, genderAccuracy: 0.767, ageMae: null },
  weightsSha256: "e9df28bdf07ce694b9754e4984861f8c1df6df0e94f808d2864f5101653ed5ec",
  validationEpoch: 2,
  workers: 1,
  microBatchesByWorker: [1],
  coordinatorGeneration: 1,
  out: "/runs/first",
  phaseSeconds: { step: 1, commit: 0.1, fetchWeights: null, load: null, compute: 0.5, sum: null },
  goodput: { productiveSeconds: 10, wallSeconds: 12, savedAtMs: 0 },
  leasesRedone: 0,
  resumedFromStep: null,
  exact: true,
  numerics: { backend: "torch" },
};

test("the summary tells where the files are and what to do next, in 80 columns", () => {
  const text = renderSummary(trainResult(summary, { out: "runs/first", workers: 2, imagesSkipped: 3 }), {
    cacheDir: "/home/somebody/.cache/lockstep",
    ledBy: "train",
  });
  for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  for (const part of ["runs/first", "checkpoints/", "logs/", "metrics.jsonl", "/home/somebody/.cache/lockstep"]) {
    assert.ok(text.includes(part), part);
  }
  assert.match(text, /evaluate +npx lockstep evaluate runs\/first\n/);
  assert.match(text, /resume +npx lockstep train --resume --out runs\/first\n/);
  assert.match(text, /ageMae not finite/);
  assert.match(text, /left out +3 images that cannot be used: see skipped.csv in the run's folder\n/);
});

test("the summary of a run led by a coordinator names the coordinator's command for the resume, and no npx", () => {
  const result = trainResult(summary, { out: "/runs/first", workers: 2, imagesSkipped: 0 });
  const text = renderSummary(result, { cacheDir: "/cache", ledBy: "coordinator" });
  assert.match(text, /resume +run the same command with --resume\n/);
  assert.match(text, /evaluate +lockstep evaluate \/runs\/first\n/);
  assert.doesNotMatch(text, /npx|lockstep train/);
});

test("the summary of a complete run has the reason and no resume command", () => {
  const early = {
    ...summary,
    completed: true,
    reason: "early stop: val loss no lower in 3 epochs (best 2.1 after epoch 2)",
  };
  const text = renderSummary(trainResult(early, { out: "runs/first", workers: 2, imagesSkipped: 0 }), {
    cacheDir: "/tmp",
    ledBy: "train",
  });
  assert.match(text, /finished: early stop: val loss no lower in 3 epochs/);
  assert.doesNotMatch(text, /--resume|left out/);
});

test("the notes on a finished run tell its steps and epochs, and what can be done with it", () => {
  const early = { ...summary, completed: true, reason: "early stop: val loss no lower in 1 epoch" };
  const [state, ...commands] = finishedNotes(early, { out: "runs/first", totalEpochs: 9, ledBy: "train" });
  assert.equal(
    state,
    "runs/first: is finished: 42 steps, 3 of 9 epochs (early stop: val loss no lower in 1 epoch); nothing is left to train",
  );
  assert.match(
    commands.join("\n"),
    /lockstep evaluate runs\/first\n.*lockstep train --init-from runs\/first --out NEW/m,
  );
});
