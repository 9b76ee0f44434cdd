import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { evaluateMetrics, type MetricDefinition } from "./metric-definition.js";

const sumNames = ["samples", "loss", "genderCorrect", "ageSquaredError"];
const definitions: MetricDefinition[] = [
  { name: "loss", numerator: "loss", denominator: null, squareRoot: false, unit: "nats" },
  { name: "genderAccuracy", numerator: "genderCorrect", denominator: "samples", squareRoot: false, unit: "fraction" },
  { name: "ageRmse", numerator: "ageSquaredError", denominator: "samples", squareRoot: true, unit: "years" },
];

describe("evaluateMetrics", () => {
  it("divides sums, takes square roots, and leaves a loss unchanged", () => {
    const metrics = evaluateMetrics(definitions, sumNames, Float64Array.of(8, 1.25, 6, 72));
    assert.deepEqual(metrics, { loss: 1.25, genderAccuracy: 0.75, ageRmse: 3 });
  });

  it("returns NaN when there was no sample", () => {
    const metrics = evaluateMetrics(definitions, sumNames, Float64Array.of(0, 0, 0, 0));
    assert.deepEqual(metrics, { loss: 0, genderAccuracy: Number.NaN, ageRmse: Number.NaN });
  });

  it("throws when a definition names an unknown sum", () => {
    assert.throws(
      () => evaluateMetrics(definitions, ["samples", "loss"], Float64Array.of(1, 1)),
      /metric sum genderCorrect is not among samples, loss/,
    );
  });
});
