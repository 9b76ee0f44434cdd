// Owns which measurements of workers are taken: they are added up and shown, and one that is no number, or none that can
// be, would spoil every total from then on.
import { type Heartbeat, type PhaseSeconds, WireError } from "@lockstep/protocol";

/** Eleven days over all threads: no lease takes so long. */
const maxSeconds = 1e6;
const maxGpus = 64;

/** @throws WireError `bad-request` that names the field, its value and what it must be */
export function checkPhaseSeconds(seconds: PhaseSeconds): void {
  for (const [phase, value] of Object.entries(seconds)) inRange(`phase_seconds.${phase}`, value, maxSeconds);
}

/** @throws WireError as above */
export function checkVitals({ eventLoopDelayMs, gpus }: Heartbeat): void {
  inRange("event_loop_delay_ms", eventLoopDelayMs, 1000 * maxSeconds);
  if (gpus.length > maxGpus) {
    throw new WireError("bad-request", `a heartbeat with ${gpus.length} gpus: must be at most ${maxGpus}`);
  }
  for (const { index, utilization = 0 } of gpus) {
    inRange("index of a GPU", index, 9999);
    inRange(`utilization of GPU ${index}`, utilization, 1);
  }
}

function inRange(name: string, value: number, max: number): void {
  if (value >= 0 && value <= max) return; // a NaN is not
  throw new WireError("bad-request", `${name} is ${value}: must be a number from 0 to ${max}`);
}
