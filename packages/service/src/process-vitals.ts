// Owns what a process says of its own health: memory, and how late its event loop is.
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface ProcessVitals {
  readonly residentBytes: number;
  /** Since the sample before, 99th percentile, milliseconds. */
  readonly eventLoopDelayMs: number;
}

export interface VitalsWatch {
  sample(): ProcessVitals;
  stop(): void;
}

const resolutionMs = 10;

/** Watches from now on, until it is stopped. */
export function watchVitals(): VitalsWatch {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  return {
    sample() {
      const delayMs = delay.percentile(99) / 1e6 - resolutionMs; // the timer's own period is in it
      delay.reset();
      return {
        residentBytes: process.memoryUsage.rss(),
        eventLoopDelayMs: Number.isFinite(delayMs) ? Math.max(0, delayMs) : 0,
      };
    },
    stop: () => void delay.disable(),
  };
}
