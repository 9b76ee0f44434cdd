// Converts positions to and from their form in manifests: `storedPosition` and `restoredPosition`; `samplesBefore`
// counts samples.
import type { Snapshot } from "@lockstep/checkpoint";
import { type Position, type RunPlan, samplesOf } from "../core/run-plan.js";

/**
 * The form in manifests: when a validation is due, the position is the start of the next epoch, without
 * `validationRecorded`.
 */
export function storedPosition(position: Position, stepsPerEpoch: number): Snapshot["position"] {
  const { step, epoch, stepInEpoch } = position;
  if (stepInEpoch === stepsPerEpoch) return { step, epoch: epoch + 1, stepInEpoch: 0, validationRecorded: false };
  return { step, epoch, stepInEpoch, validationRecorded: stepInEpoch === 0 && epoch > 0 };
}

export function restoredPosition(stored: Snapshot["position"], stepsPerEpoch: number): Position {
  const { step, epoch, stepInEpoch, validationRecorded } = stored;
  if (stepInEpoch === 0 && epoch > 0 && !validationRecorded) {
    return { step, epoch: epoch - 1, stepInEpoch: stepsPerEpoch };
  }
  return { step, epoch, stepInEpoch };
}

/** Number of training samples that were used before a position. */
export function samplesBefore(position: Position, plan: RunPlan): number {
  let samples = 0;
  for (let step = 0; step < Math.min(position.step, plan.stepsPerEpoch); step++) {
    const pass = plan.trainPass(step);
    const times = Math.ceil((position.step - step) / plan.stepsPerEpoch);
    samples += times * samplesOf(pass, { first: 0, count: pass.numMicroBatches });
  }
  return samples;
}
