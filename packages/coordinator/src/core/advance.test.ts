import assert from "node:assert/strict";
import { test } from "node:test";
import { advance } from "./advance.js";
import type { CoreEvent } from "./event.js";
import { createState } from "./state.js";

test("a run whose end could not be written has failed, and a worker that joins has to wait for a later coordinator", () => {
  const { apply, current, claim } = oneStepRun();
  apply({ type: "sum-accepted", leaseId: 1 });
  assert.deepEqual(apply({ type: "committed", weightsDigest: "w1" }), ["conclude-epoch"]);
  assert.deepEqual(apply({ type: "concluded", validationLoss: null }), ["snapshot", "end"]);
  apply({ type: "broken", message: "the disk is full" });
  apply({ type: "broken", message: "another reason" });
  assert.deepEqual(current().phase, { kind: "ended", outcome: { kind: "failed", message: "the disk is full" } });
  const { effects } = advance(current(), { type: "join", claim, sessionId: "late" }, 0);
  assert.deepEqual(effects, [{ type: "refuse", code: "run-stopping", message: "the coordinator is ending" }]);
});

test("the result of a commit is ignored when the run failed during the commit", () => {
  const { apply, current } = oneStepRun();
  assert.deepEqual(apply({ type: "sum-accepted", leaseId: 1 }), ["commit"]);
  assert.deepEqual(apply({ type: "broken", message: "the disk is full" }), ["end"]);
  assert.deepEqual(apply({ type: "committed", weightsDigest: "w1" }), []);
  const { phase, position, weightsDigest } = current();
  assert.deepEqual([phase.kind, position.step, weightsDigest], ["ended", 0, "w0"]);
});

/** A run of one step and one lease, which its only worker holds. */
function oneStepRun() {
  const shape = { numMicroBatches: 1, numSamples: 1, microBatch: () => ({ count: 1 }) };
  let state = createState({
    settings: {
      protocolVersion: 1,
      coordinatorGeneration: 1,
      runSpecSha256: "",
      datasetFingerprint: "",
      layoutSha256: "",
      plan: { stepsPerEpoch: 1, totalSteps: 1, trainPass: () => shape, validationPass: () => null },
      earlyStop: null,
      numSums: 0,
      checkpointEvery: 1,
      maxSteps: null,
      heartbeatTimeoutMs: 5000,
      expectedWorkers: 1,
      gatherMs: 0,
      stopGraceMs: 2000,
      allowMixedNumerics: false,
      late: { factor: 4, floorMs: 2000, unmeasuredFloorMs: 10_000 },
      maxValidationLease: 8,
    },
    position: { step: 0, epoch: 0, stepInEpoch: 0 },
    reference: null,
  });
  const apply = (event: CoreEvent): string[] => {
    const advanced = advance(state, event, 0);
    state = advanced.state;
    return advanced.effects.map(({ type }) => type);
  };
  const claim = {
    ...{ protocolVersion: 1, runSpecSha256: "", datasetFingerprint: "", pixelsSha256: "", numericsJson: "{}" },
    ...{ layoutSha256: "", wantedSlot: -1, instanceId: "i", computeThreads: 1, host: "" },
  };
  apply({ type: "opened", weightsDigest: "w0" });
  apply({ type: "join", claim, sessionId: "s" });
  apply({ type: "session-opened", sessionId: "s" });
  return { apply, current: () => state, claim };
}
