import assert from "node:assert/strict";
import { test } from "node:test";
import { advance } from "./advance.js";
import type { CoreEvent } from "./event.js";
import { createState } from "./state.js";

test("the result of a commit is ignored when the run has failed while it was computed", () => {
  const shape = { numMicroBatches: 1, numSamples: 1, microBatch: () => ({ count: 1 }) };
  let state = createState({
    settings: {
      protocolVersion: 1,
      coordinatorGeneration: 1,
      runSpecSha256: "",
      datasetFingerprint: "",
      layoutSha256: "",
      course: { stepsPerEpoch: 3, totalSteps: 3, trainPass: () => shape, validationPass: () => null },
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
  assert.deepEqual(apply({ type: "session-opened", sessionId: "s" }), ["lease"]);
  assert.deepEqual(apply({ type: "sum-accepted", leaseId: 1 }), ["commit"]);
  assert.deepEqual(apply({ type: "broken", message: "the disk is full" }), ["end"]);
  assert.deepEqual(apply({ type: "committed", weightsDigest: "w1" }), []);
  assert.deepEqual([state.phase.kind, state.position.step, state.weightsDigest], ["ended", 0, "w0"]);
});
