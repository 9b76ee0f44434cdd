// The parts of the machine that a run uses: `RunEnvironment` has the clock, timers, the run's folder and the network. A
// test passes its own. In this package only `run-coordinator.ts` asks the machine for the time or a timer.
import type { Listener, ProcessVitals, ServedService } from "@lockstep/service";
import type { RunFolder } from "./keep/run-folder.js";
import type { Training, TrainingStateOptions } from "./reduce/training-state.js";

export interface RunEnvironment {
  readonly folder: RunFolder;
  readonly clock: Clock;
  /** Calls `work` every `intervalMs` milliseconds, until the returned function is called. */
  every(intervalMs: number, work: () => void): () => void;
  /**
   * Serves the services. While `isReady` returns false, every call is answered with UNAVAILABLE, and the caller tries
   * again.
   * @throws UserError if the address is invalid or in use
   */
  listen(services: readonly ServedService[], isReady: () => boolean): Promise<Listener>;
  createTraining(options: TrainingStateOptions): Training;
  /** The health of this process since the previous call. */
  sampleVitals(): ProcessVitals;
}

export interface Clock {
  /** Monotonic, milliseconds. */
  nowMs(): number;
  /** Unix time, milliseconds. */
  unixMs(): number;
}
