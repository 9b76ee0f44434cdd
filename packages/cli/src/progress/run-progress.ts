// `advanceProgress` computes a run's progress from its events: position, workers, speed, metrics, time left. It is pure.
import type { Event } from "@lockstep/protocol";

/** Number of steps over which speed and metrics are averaged. */
const windowSteps = 20;

interface StepSample {
  readonly timeMs: number;
  readonly numSamples: number;
  readonly stepSeconds: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface RunProgress {
  /** Optimizer updates so far. */
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** Slots of the connected workers. */
  readonly workers: readonly number[];
  /** The newest steps of this coordinator process, oldest first. */
  readonly recent: readonly StepSample[];
}

export const noProgress: RunProgress = { step: 0, totalSteps: 0, stepsPerEpoch: 1, workers: [], recent: [] };

export function advanceProgress(progress: RunProgress, { event, timeMs }: Event): RunProgress {
  switch (event?.$case) {
    case "runStarted": {
      const { step, totalSteps, stepsPerEpoch } = event.value;
      return { step, totalSteps, stepsPerEpoch: Math.max(1, stepsPerEpoch), workers: [], recent: [] };
    }
    case "workerJoined":
      return { ...progress, workers: [...new Set([...progress.workers, event.value.slot])].sort((a, b) => a - b) };
    case "workerLost":
      return { ...progress, workers: progress.workers.filter((slot) => slot !== event.value.slot) };
    case "stepCommitted": {
      const { step, numSamples, stepSeconds, metrics } = event.value;
      const recent = [...progress.recent, { timeMs, numSamples, stepSeconds, metrics }].slice(-windowSteps);
      return { ...progress, step, recent };
    }
    case "epochValidated": // a validation between two steps must not count as a slow step
      return { ...progress, recent: progress.recent.slice(-1).map((sample) => ({ ...sample, timeMs })) };
    default:
      return progress;
  }
}

/** @returns the current epoch, from 1, and the number of epochs */
export function epochOf({ step, stepsPerEpoch, totalSteps }: RunProgress): { epoch: number; epochs: number } {
  const epochs = Math.max(1, Math.round(totalSteps / stepsPerEpoch));
  return { epoch: Math.min(epochs, Math.floor(step / stepsPerEpoch) + 1), epochs };
}

/** Samples over the newest steps' own seconds; null before the first. */
export function imagesPerSecond({ recent }: RunProgress): number | null {
  const seconds = recent.reduce((sum, step) => sum + step.stepSeconds, 0);
  return seconds > 0 ? recent.reduce((sum, step) => sum + step.numSamples, 0) / seconds : null;
}

/** Means over the newest steps. */
export function recentMetrics({ recent }: RunProgress): Record<string, number> {
  const names = Object.keys(recent.at(-1)?.metrics ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const values = recent.map((step) => step.metrics[name]).filter((value) => value !== undefined);
      return [name, values.reduce((sum, value) => sum + value, 0) / values.length];
    }),
  );
}

/** @returns the time of the remaining training steps at the pace of the newest; null before the second step */
export function secondsLeft({ recent, step, totalSteps }: RunProgress): number | null {
  const [first, last] = [recent.at(0), recent.at(-1)];
  if (first === undefined || last === undefined || recent.length < 2) return null;
  return ((last.timeMs - first.timeMs) / 1000 / (recent.length - 1)) * Math.max(0, totalSteps - step);
}
