import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { metricDefinition } from "./metric-definition.js";
import { runDescription } from "./run-description.js";

describe("runDescription", () => {
  it("refuses unknown fields at every depth", () => {
    const metric = { name: "loss", numerator: "loss", denominator: null, squareRoot: false, unit: "nats" };
    assert.equal(metricDefinition.safeParse(metric).success, true);
    assert.equal(metricDefinition.safeParse({ ...metric, scale: 2 }).success, false);
    assert.equal(runDescription.safeParse({ sumNames: [], metrics: [metric], tensors: [] }).success, false);
  });
});
