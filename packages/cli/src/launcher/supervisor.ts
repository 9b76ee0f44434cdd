// `superviseRun` starts a run's coordinator and workers, restarts a process that died after a growing delay, and stops all of
// them at the run's end.
import { exitCode, type Log, RunFailed, UserError } from "@lockstep/errors";
import { backoff, sendStop, sleep } from "@lockstep/service";
import type { StartedProcess } from "../run-folder.js";
import { type Child, type ChildExit, describeExit } from "./child.js";

export interface ProcessPlan {
  readonly role: "coordinator" | "worker";
  readonly index: number;
  start(): Child;
}

export interface SupervisorOptions {
  readonly coordinator: ProcessPlan;
  readonly workers: readonly ProcessPlan[];
  /** Restarts of each process. */
  readonly maxRestarts: number;
  readonly onStarted: (entry: StartedProcess) => void;
  readonly onEnded: (entry: StartedProcess) => void;
  readonly log: Log;
  /** When aborted, the coordinator is asked to write a checkpoint and to end the run. */
  readonly stop: AbortSignal;
}

/** Time for the processes to end once the run is over; then they are killed. */
const endTimeoutMs = 10_000;
/** Delay before a worker is restarted that ended normally: the run may have just ended. */
const normalExitDelayMs = 2_000;

const restartDelay = backoff({ baseMs: 250, maxMs: 10_000, factor: 2, jitter: false });

/**
 * Resolves when the coordinator has ended normally (exit code 0, or 130 after a stop) and every process has ended.
 * @returns true if the run was stopped
 * @throws UserError if a process reports a user's mistake; RunFailed if the run cannot continue, or a process died too often
 */
export async function superviseRun(options: SupervisorOptions): Promise<boolean> {
  const over = new AbortController();
  const processes = [options.coordinator, ...options.workers].map(
    (plan) => new SupervisedProcess(plan, options, over.signal),
  );
  const [coordinator, ...workers] = processes;
  if (coordinator === undefined) throw new Error("a run has a coordinator");
  const running = processes.map((process) => process.run());
  const onStop = (): void => {
    const reason = reasonOf(options.stop);
    // Only the coordinator is asked: the current step needs the workers, and the coordinator ends them afterwards.
    if (!coordinator.askToStop(reason)) for (const worker of workers) worker.askToStop(reason);
  };
  options.stop.addEventListener("abort", onStop, { once: true });
  if (options.stop.aborted) onStop();
  try {
    await Promise.race([running[0], ...running.slice(1).map(neverUnlessRejected)]);
    over.abort();
    // The coordinator has already told them, unless it died while it was stopping.
    for (const worker of workers) worker.askToStop("the run is over");
    await waitOrKill(processes, running);
    return coordinator.lastExit?.code === exitCode.interrupted;
  } catch (error) {
    over.abort();
    for (const process of processes) process.askToStop("the run has failed");
    await waitOrKill(processes, running);
    throw error;
  } finally {
    options.stop.removeEventListener("abort", onStop);
  }
}

class SupervisedProcess {
  readonly #plan: ProcessPlan;
  readonly #options: SupervisorOptions;
  readonly #over: AbortSignal;
  #child: Child | null = null;
  /** Exit of the newest process that ended; null before the first end. */
  lastExit: ChildExit | null = null;
  #deaths = 0;

  constructor(plan: ProcessPlan, options: SupervisorOptions, over: AbortSignal) {
    this.#plan = plan;
    this.#options = options;
    this.#over = over;
  }

  /** @returns false if the process is not running */
  askToStop(reason: string): boolean {
    return this.#child !== null && sendStop(this.#child.process, reason);
  }

  kill(): void {
    this.#child?.process.kill("SIGKILL");
  }

  /** Runs and restarts the process. Resolves when it is not needed any more. */
  async run(): Promise<void> {
    const { stop } = this.#options;
    while (!this.#over.aborted) {
      const exit = await this.#runOnce();
      if (this.#over.aborted) return;
      // All workers of this run are on one machine: if one is unfit, all are.
      if (exit.code === exitCode.userError || exit.code === exitCode.unfitMachine)
        throw new UserError(exit.complaint ?? `${this.#name}: ${describeExit(exit)}`);
      // The process reports that a restart cannot help, as for a gradient that is not finite or a full disk.
      if (exit.code === exitCode.failure && exit.complaint !== null) throw new RunFailed(exit.complaint);
      if (this.#plan.role === "coordinator" && hasEndedNormally(exit)) return;
      if (stop.aborted) return;
      const endedNormally = hasEndedNormally(exit);
      if (!endedNormally) this.#deaths++;
      if (this.#deaths > this.#options.maxRestarts) {
        throw new RunFailed(
          `${this.#name} died ${this.#deaths} times, the last time with ${describeExit(exit)}, and is not restarted any more (--max-restarts ${this.#options.maxRestarts}); see its log`,
        );
      }
      const delayMs = endedNormally ? normalExitDelayMs : restartDelay(this.#deaths);
      await sleep(delayMs, AbortSignal.any([this.#over, stop])).catch(() => {}); // aborted: checked below
      if (this.#over.aborted || stop.aborted) return;
      this.#options.log.warn(
        { role: this.#plan.role, index: this.#plan.index, exit: describeExit(exit), deaths: this.#deaths },
        `${this.#name} ended (${describeExit(exit)}): starting it again`,
      );
    }
  }

  async #runOnce(): Promise<ChildExit> {
    const { role, index } = this.#plan;
    const child = this.#plan.start();
    this.#child = child;
    const entry = { role, index, pid: child.pid };
    this.#options.onStarted(entry);
    const exit = await child.exit;
    this.#child = null;
    this.lastExit = exit;
    this.#options.onEnded(entry);
    this.#options.log.info({ ...entry, exit: describeExit(exit) }, `${this.#name} ended`);
    return exit;
  }

  get #name(): string {
    return this.#plan.role === "coordinator" ? "the coordinator" : `worker ${this.#plan.index}`;
  }
}

function hasEndedNormally({ code }: ChildExit): boolean {
  return code === exitCode.ok || code === exitCode.interrupted;
}

/** Waits for the processes to end, and kills them after `endTimeoutMs`. */
async function waitOrKill(processes: readonly SupervisedProcess[], running: readonly Promise<void>[]): Promise<void> {
  const timer = setTimeout(() => {
    for (const process of processes) process.kill();
  }, endTimeoutMs);
  await Promise.allSettled(running);
  clearTimeout(timer);
}

function neverUnlessRejected(running: Promise<void>): Promise<never> {
  return running.then(() => new Promise<never>(() => {}));
}

function reasonOf(signal: AbortSignal): string {
  const { reason } = signal;
  return reason instanceof Error ? reason.message : String(reason);
}
