// Measures a process' own memory, and how late its event loop is, with `watchVitals`.
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

export interface ProcessVitals {
  readonly residentBytes: number;
  /** The longest over the last 20 to 40 s, milliseconds: samples every 15 s show every delay. */
  readonly eventLoopDelayMs: number;
}

export interface VitalsWatch {
  sample(): ProcessVitals;
  stop(): void;
}

const resolutionMs = 10;
const defaultSpanMs = 20_000;

/** Watches from now on, until it is stopped. @param spanMs a delay is reported for at least this time, and at most twice as long */
export function watchVitals({ spanMs = defaultSpanMs }: { readonly spanMs?: number } = {}): VitalsWatch {
  // A monitor that is reset loses the delay that goes on. So there are two: the one that has measured for longer is read, and after
  // a span it is reset and the other one is read.
  let [older, younger] = [startMonitor(), startMonitor()];
  let turnAtMs = performance.now() + spanMs;
  return {
    sample() {
      const nowMs = performance.now();
      if (nowMs >= turnAtMs) {
        [older, younger] = [younger, older];
        younger.reset();
        turnAtMs = nowMs + spanMs;
      }
      return {
        residentBytes: process.memoryUsage.rss(),
        // It includes the timer's own period. Before the first measurement max is 0.
        eventLoopDelayMs: Math.max(0, older.max / 1e6 - resolutionMs),
      };
    },
    stop() {
      older.disable();
      younger.disable();
    },
  };
}

function startMonitor() {
  const monitor = monitorEventLoopDelay({ resolution: resolutionMs });
  monitor.enable();
  return monitor;
}
