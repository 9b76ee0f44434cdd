// Owns a run's processes: starts the coordinator and the workers, starts the dead again after a wait that grows, stops
// all of them, and says how the run ended. What they compute is their own affair.
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
  /** Of each process. */
  readonly maxRestarts: number;
  readonly onStarted: (entry: StartedProcess) => void;
  readonly onEnded: (entry: StartedProcess) => void;
  readonly log: Log;
  /** Aborted: the coordinator is asked to write a checkpoint and to end the run. */
  readonly stop: AbortSignal;
}

/** How long workers may take to leave once the run is over, and a coordinator to stop. */
const workersLeaveMs = 10_000;
/** A worker that left in good order while the run seems to go on: the run may be over in this moment. */
const politeLeaveMs = 2_000;

const restartDelay = backoff({ baseMs: 250, maxMs: 10_000, factor: 2, jitter: false });

/**
 * Resolves when the coordinator has ended in good order (exit code 0, or 130 after a stop) and every process has gone; to
 * true when it was stopped from outside.
 * @throws UserError when a process complains of the user's mistake; RunFailed when the run cannot go on, or a process
 *   died too often
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
    // Only the coordinator is asked: the step under way needs its workers, which are told to finish by it.
    if (!coordinator.askToStop(reason)) for (const worker of workers) worker.askToStop(reason);
  };
  options.stop.addEventListener("abort", onStop, { once: true });
  if (options.stop.aborted) onStop();
  try {
    await Promise.race([running[0], ...running.slice(1).map(neverUnlessRejected)]);
    over.abort();
    // They were told by the coordinator, unless it died on the way to a stop.
    for (const worker of workers) worker.askToStop("the run is over");
    await leaveOrKill(processes, running);
    return coordinator.lastExit?.code === exitCode.interrupted;
  } catch (error) {
    over.abort();
    for (const process of processes) process.askToStop("the run has failed");
    await leaveOrKill(processes, running);
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
  /** Of its last life; null before that has ended. */
  lastExit: ChildExit | null = null;
  #deaths = 0;

  constructor(plan: ProcessPlan, options: SupervisorOptions, over: AbortSignal) {
    this.#plan = plan;
    this.#options = options;
    this.#over = over;
  }

  /** False when it is not running. */
  askToStop(reason: string): boolean {
    return this.#child !== null && sendStop(this.#child.process, reason);
  }

  kill(): void {
    this.#child?.process.kill("SIGKILL");
  }

  /** Through all its lives. Resolves when the process is not needed any more. */
  async run(): Promise<void> {
    const { stop } = this.#options;
    while (!this.#over.aborted) {
      const exit = await this.#live();
      if (this.#over.aborted) return;
      // Of a run on one machine, all workers are as unfit as the first.
      if (exit.code === exitCode.userError || exit.code === exitCode.unfitMachine)
        throw new UserError(exit.complaint ?? `${this.#name}: ${describeExit(exit)}`);
      // It says that another try cannot help: a gradient that is not finite, a full disk.
      if (exit.code === exitCode.failure && exit.complaint !== null) throw new RunFailed(exit.complaint);
      if (this.#plan.role === "coordinator" && endedInOrder(exit)) return;
      if (stop.aborted) return;
      const leftInOrder = endedInOrder(exit);
      if (!leftInOrder) this.#deaths++;
      if (this.#deaths > this.#options.maxRestarts) {
        throw new RunFailed(
          `${this.#name} died ${this.#deaths} times, the last by ${describeExit(exit)}: giving up (--max-restarts ${this.#options.maxRestarts}); see its log`,
        );
      }
      const delayMs = leftInOrder ? politeLeaveMs : restartDelay(this.#deaths);
      await sleep(delayMs, AbortSignal.any([this.#over, stop])).catch(() => {}); // aborted: looked at by the loop
      if (this.#over.aborted || stop.aborted) return;
      this.#options.log.warn(
        { role: this.#plan.role, index: this.#plan.index, exit: describeExit(exit), deaths: this.#deaths },
        `${this.#name} ended (${describeExit(exit)}): starting it again`,
      );
    }
  }

  async #live(): Promise<ChildExit> {
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

function endedInOrder({ code }: ChildExit): boolean {
  return code === exitCode.ok || code === exitCode.interrupted;
}

/** Everybody gets some time to leave, then no more. */
async function leaveOrKill(processes: readonly SupervisedProcess[], running: readonly Promise<void>[]): Promise<void> {
  const timer = setTimeout(() => {
    for (const process of processes) process.kill();
  }, workersLeaveMs);
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
