// Checks the measurements that workers send: `checkPhaseSeconds` and `checkVitals`. A value that is not finite or out
// of range would make all later totals wrong.
import { type Heartbeat, type PhaseSeconds, WireError } from "@lockstep/protocol";

/** Eleven days, summed over all threads: longer than any lease. */
const maxSeconds = 1e6;
const maxGpus = 64;

/** @throws WireError `bad-request` that names the field, its value and what it must be */
export function checkPhaseSeconds(seconds: PhaseSeconds): void {
  for (const [phase, value] of Object.entries(seconds)) inRange(`phase_seconds.${phase}`, value, maxSeconds);
}

/** @throws WireError `bad-request` that names the field, its value and what it must be */
export function checkVitals({ eventLoopDelayMs, gpus }: Heartbeat): void {
  inRange("event_loop_delay_ms", eventLoopDelayMs, 1000 * maxSeconds);
  if (gpus.length > maxGpus) {
    throw new WireError("bad-request", `the heartbeat has ${gpus.length} gpus: must be at most ${maxGpus}`);
  }
  for (const { index, utilization = 0 } of gpus) {
    inRange("index of a GPU", index, 9999);
    inRange(`utilization of GPU ${index}`, utilization, 1);
  }
}

function inRange(name: string, value: number, max: number): void {
  if (value >= 0 && value <= max) return; // false for NaN
  throw new WireError("bad-request", `${name} is ${value}: must be a number from 0 to ${max}`);
}
