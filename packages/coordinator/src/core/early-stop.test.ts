import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonToStopEarly } from "./early-stop.js";

const patient = { patience: 2, minDelta: 0 };

test("a run ends when its loss has not improved for `patience` epochs", () => {
  assert.equal(reasonToStopEarly(patient, []), null);
  assert.equal(reasonToStopEarly(patient, [2, 1, 1]), null);
  assert.equal(
    reasonToStopEarly(patient, [2, 1, 1, 1.5]),
    "early stop: val loss no lower in 2 epochs (best 1.0000 after epoch 2)",
  );
});

test("an improvement resets the count", () => {
  assert.equal(reasonToStopEarly(patient, [2, 2, 1.9, 2]), null);
});

test("a loss that is lower by min-delta or less is no improvement, and the best loss stays the same", () => {
  assert.equal(reasonToStopEarly({ patience: 3, minDelta: 0.1 }, [1, 0.95, 0.92]), null);
  assert.match(
    reasonToStopEarly({ patience: 3, minDelta: 0.1 }, [1, 0.95, 0.92, 0.91]) ?? "",
    /best 1.0000 after epoch 1/,
  );
  assert.equal(reasonToStopEarly({ patience: 3, minDelta: 0.1 }, [1, 0.95, 0.92, 0.89]), null);
});

test("a missing loss is no improvement", () => {
  assert.match(
    reasonToStopEarly({ patience: 1, minDelta: 0 }, [null]) ?? "",
    /in 1 epoch \(no epoch had a finite loss\)/,
  );
  assert.match(reasonToStopEarly(patient, [1, null, null]) ?? "", /best 1.0000 after epoch 1/);
});

test("without a rule no run ends early", () => {
  assert.equal(reasonToStopEarly(null, [1, 2, 3, 4, 5]), null);
});
