// Orders the run: `openNext` opens the next pass or ends the run. The other functions decide when to commit, to
// validate, to take a snapshot, to stop and to fail.

import type { Draft } from "./draft.js";
import { reasonToStopEarly } from "./early-stop.js";
import type { Outcome } from "./event.js";
import { revokeAll } from "./leasing.js";
import { type PassKind, samePosition } from "./run-plan.js";
import { openPass, type PassState } from "./state.js";

/** Opens the pass that is next at the current position, or ends the run. */
export function openNext(draft: Draft): void {
  const { state } = draft;
  const { position, settings, stop } = state;
  const { plan, maxSteps } = settings;
  const validationDue = position.stepInEpoch === plan.stepsPerEpoch;
  if (position.step >= plan.totalSteps && !validationDue) {
    end(draft, { kind: "completed", reason: "the run reached its end" });
    return;
  }
  // This comes before a requested stop: whether the run is complete depends only on its losses.
  const early = position.stepInEpoch === 0 ? reasonToStopEarly(settings.earlyStop, state.validationLosses) : null;
  if (early !== null) {
    end(draft, { kind: "completed", reason: early });
    return;
  }
  if (stop !== null) {
    end(draft, { kind: "stopped", reason: stop.reason, mayGoOn: stop.mayGoOn });
    return;
  }
  if (validationDue) {
    openValidation(draft);
    return;
  }
  if (maxSteps !== null && position.step >= maxSteps) {
    end(draft, { kind: "stopped", reason: `reached ${maxSteps} steps (--max-steps)`, mayGoOn: false });
    return;
  }
  startPass(draft, "train", plan.trainPass(position.step));
}

/** Closes the current pass if every micro-batch is in the tree: a commit or the epoch's metrics follow. */
export function closePassWhenDone(draft: Draft): void {
  const { state, effects, nowMs } = draft;
  const pass = openPass(state);
  if (pass === null || pass.numDone < pass.shape.numMicroBatches) return;
  const counts = state.microBatchesBySlot;
  for (const [slot, count] of pass.doneBySlot) counts.set(slot, (counts.get(slot) ?? 0) + count);
  if (pass.kind === "train") {
    state.phase = { kind: "committing" };
    effects.push({
      type: "commit",
      step: pass.step,
      epoch: pass.epoch,
      firstLeaseAtMs: pass.firstLeaseAtMs ?? nowMs,
    });
    return;
  }
  state.phase = { kind: "concluding" };
  const { epoch, step, openedAtMs } = pass;
  effects.push({ type: "conclude-epoch", epoch, step, validated: { openedAtMs } });
}

export function committed(draft: Draft, weightsDigest: string): void {
  const { state } = draft;
  if (state.phase.kind !== "committing") return; // the run ended while the update was computed
  const { plan, checkpointEvery } = state.settings;
  state.weightsDigest = weightsDigest;
  const { step, epoch, stepInEpoch } = state.position;
  state.position = { step: step + 1, epoch, stepInEpoch: stepInEpoch + 1 };
  // At an epoch's end the snapshot is taken after the validation, so that one checkpoint has both.
  const epochEnds = state.position.stepInEpoch === plan.stepsPerEpoch;
  if (checkpointEvery !== null && state.position.step % checkpointEvery === 0 && !epochEnds) {
    snapshot(draft, "cadence");
  }
  openNext(draft);
}

export function concluded(draft: Draft, validationLoss: number | null): void {
  const { state } = draft;
  if (state.phase.kind !== "concluding") return;
  state.validationLosses = [...state.validationLosses, validationLoss];
  state.position = { step: state.position.step, epoch: state.position.epoch + 1, stepInEpoch: 0 };
  snapshot(draft, "validation");
  openNext(draft);
}

/**
 * Requests a stop; a second request is ignored. The current training step may finish within `stopGraceMs`. A validation
 * is abandoned at once.
 */
export function requestStop(
  draft: Draft,
  { reason, mayGoOn }: { readonly reason: string; readonly mayGoOn: boolean },
): void {
  const { state, nowMs } = draft;
  if (state.stop !== null || state.phase.kind === "ended") return;
  state.stop = { reason, mayGoOn, atMs: nowMs };
  const pass = openPass(state);
  if (state.phase.kind === "opening") end(draft, { kind: "stopped", reason, mayGoOn });
  // Without an open lease there is nothing to wait for.
  else if (pass !== null && (pass.kind === "validate" || pass.leases.length === 0)) abandon(draft, { reason, mayGoOn });
}

export function abandonWhenOverdue(draft: Draft): void {
  const { stop, settings } = draft.state;
  if (stop === null || openPass(draft.state) === null) return;
  if (draft.nowMs - stop.atMs >= settings.stopGraceMs) abandon(draft, stop);
}

/** Ends the run as failed. The state before the current step is kept in a checkpoint. */
export function fail(draft: Draft, message: string): void {
  const { phase } = draft.state;
  if (phase.kind === "ended") {
    // The last checkpoint or the result could not be written, so a later coordinator has to resume the run.
    if (phase.outcome.kind !== "failed") {
      draft.state.phase = { kind: "ended", outcome: { kind: "failed", message } };
    }
    return;
  }
  revokeAll(draft, message);
  // An update that failed may be applied in part. Only during a pass are the weights known to be complete.
  const isComplete = draft.state.phase.kind === "passing";
  end(draft, { kind: "failed", message }, { keep: isComplete });
}

function abandon(draft: Draft, { reason, mayGoOn }: { readonly reason: string; readonly mayGoOn: boolean }): void {
  revokeAll(draft, reason);
  draft.effects.push({ type: "abandon-pass", reason });
  end(draft, { kind: "stopped", reason, mayGoOn });
}

function openValidation(draft: Draft): void {
  const { state, effects } = draft;
  const shape = state.settings.plan.validationPass();
  if (shape !== null) {
    startPass(draft, "validate", shape);
    return;
  }
  state.phase = { kind: "concluding" };
  effects.push({ type: "conclude-epoch", epoch: state.position.epoch, step: state.position.step, validated: null });
}

function startPass(draft: Draft, kind: PassKind, shape: PassState["shape"]): void {
  const { state, effects, nowMs } = draft;
  const { step, epoch } = state.position;
  const pass: PassState = {
    kind,
    step,
    epoch,
    shape,
    openedAtMs: nowMs,
    firstLeaseAtMs: null,
    leases: [],
    done: [],
    numDone: 0,
    failedSlots: [],
    doneBySlot: new Map(),
  };
  state.phase = { kind: "passing", pass };
  effects.push({ type: "open-pass", pass: kind, step, epoch, numMicroBatches: shape.numMicroBatches });
}

function snapshot(draft: Draft, why: "cadence" | "validation" | "stop" | "failure"): void {
  draft.state.snapshotAt = draft.state.position;
  draft.effects.push({ type: "snapshot", why });
}

function end(draft: Draft, outcome: Outcome, { keep } = { keep: true }): void {
  const { state, effects } = draft;
  if (keep && !samePosition(state.position, state.snapshotAt)) {
    snapshot(draft, outcome.kind === "failed" ? "failure" : "stop");
  }
  state.phase = { kind: "ended", outcome };
  effects.push({ type: "end", outcome });
}
