// The machine as a run needs it: `RunEnvironment` are the clock, timers, the run's folder, and the network. A test brings its own,
// and no other file of this package but `run-coordinator.ts` asks the machine for the time or a timer.
import type { Listener, ProcessVitals, ServedService } from "@lockstep/service";
import type { RunFolder } from "./keep/run-folder.js";
import type { Training, TrainingStateOptions } from "./reduce/training-state.js";

export interface RunEnvironment {
  readonly folder: RunFolder;
  readonly clock: Clock;
  /** Calls `work` again and again; the function that it returns ends that. */
  every(intervalMs: number, work: () => void): () => void;
  /**
   * Serves the services. While `isReady` is false every call is answered with UNAVAILABLE: the caller tries again.
   * @throws UserError when the address is bad or taken
   */
  listen(services: readonly ServedService[], isReady: () => boolean): Promise<Listener>;
  createTraining(options: TrainingStateOptions): Training;
  /** This process' health since the last call. */
  sampleVitals(): ProcessVitals;
}

export interface Clock {
  /** Monotonic, milliseconds. */
  nowMs(): number;
  /** Unix time, milliseconds. */
  unixMs(): number;
}
