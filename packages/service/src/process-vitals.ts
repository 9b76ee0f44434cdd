// Owns what a process says of its own health: memory, and how late its event loop is.
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

export interface ProcessVitals {
  readonly residentBytes: number;
  /** The longest over the last 20 to 40 s, milliseconds: whoever looks every 15 s sees each. */
  readonly eventLoopDelayMs: number;
}

export interface VitalsWatch {
  sample(): ProcessVitals;
  stop(): void;
}

const resolutionMs = 10;
const defaultSpanMs = 20_000;

/** Watches from now on, until it is stopped. @param spanMs for how long a delay is told at least; at most for twice that */
export function watchVitals({ spanMs = defaultSpanMs }: { readonly spanMs?: number } = {}): VitalsWatch {
  // A monitor that is reset forgets the delay under way. There are two: the one that has watched for longer tells, and
  // after a span it is the other's turn.
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
        // The timer's own period is in it. Without a measurement yet, max is 0.
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
