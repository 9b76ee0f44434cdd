// Owns the compute threads of a worker and which of them does what: a job goes to the first idle thread, additions
// before micro-batches (they set memory free), micro-batches in the order in which they were asked for. Which thread
// computes changes no bit.
import { canonicalJson, differences } from "@lockstep/protocol";
import type { Logger } from "pino";
import { BufferIntroductions } from "./buffer-introductions.js";
import type { SharedBuffer } from "./shared-buffers.js";
import { ThreadLink } from "./thread-link.js";
import type {
  AdditionJob,
  AdditionResult,
  MicroBatchJob,
  MicroBatchResult,
  ThreadJob,
  ThreadReady,
  ThreadResult,
  ThreadSetup,
} from "./thread-messages.js";

interface ComputeThread {
  readonly link: ThreadLink<ThreadJob, ThreadResult, ThreadReady>;
  readonly introductions: BufferIntroductions;
}

interface QueuedJob {
  readonly job: ThreadJob<SharedBuffer>;
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
  readonly resolve: (result: ThreadResult) => void;
  readonly reject: (reason: unknown) => void;
}

export class ComputeThreads {
  /** Rejects when a thread dies unasked. */
  readonly crashed: Promise<never>;
  readonly #threads: readonly ComputeThread[];
  readonly #idle: ComputeThread[];
  readonly #additions: QueuedJob[] = [];
  readonly #microBatches: QueuedJob[] = [];
  #ready: ThreadReady | null = null;

  private constructor(threads: readonly ComputeThread[]) {
    this.#threads = threads;
    this.#idle = [...threads];
    this.crashed = Promise.race(threads.map(({ link }) => link.crashed));
    this.crashed.catch(() => {}); // seen by whoever awaits it, and by the jobs
  }

  /**
   * Starts `numThreads` threads and waits until each has its engine.
   * @throws UserError when the engine cannot be had; Error when two threads would compute differently
   */
  static async start(options: {
    readonly numThreads: number;
    readonly setup: ThreadSetup;
    readonly log: Logger;
  }): Promise<ComputeThreads> {
    const { numThreads, setup, log } = options;
    const entry = new URL("./compute-thread.js", import.meta.url);
    const threads = Array.from({ length: numThreads }, (_, index) => ({
      link: new ThreadLink<ThreadJob, ThreadResult, ThreadReady>({
        entry,
        name: `compute thread ${index}`,
        setup,
        log,
      }),
      introductions: new BufferIntroductions(),
    }));
    const crew = new ComputeThreads(threads);
    try {
      crew.#ready = agreed(await Promise.all(threads.map(({ link }) => link.ready)));
      return crew;
    } catch (error) {
      await crew.stop();
      throw error;
    }
  }

  get numThreads(): number {
    return this.#threads.length;
  }

  get ready(): ThreadReady {
    if (this.#ready === null) throw new Error("the compute threads are not ready");
    return this.#ready;
  }

  /**
   * Rejects with `signal.reason` at once while the job waits; a job under way is brought to its end first, so that when
   * this has settled nobody touches the job's buffers any more.
   */
  async compute(job: MicroBatchJob<SharedBuffer>, signal: AbortSignal): Promise<MicroBatchResult> {
    const result = await this.#run(job, this.#microBatches, signal);
    if (result.kind !== "micro-batch") throw new Error(`a micro-batch was answered with ${result.kind}`);
    return result;
  }

  /** As compute(). */
  async add(job: AdditionJob<SharedBuffer>, signal: AbortSignal): Promise<AdditionResult> {
    const result = await this.#run(job, this.#additions, signal);
    if (result.kind !== "addition") throw new Error(`an addition was answered with ${result.kind}`);
    return result;
  }

  /** Fault injection: makes the first thread throw outside of any job. */
  crashOne(): void {
    this.#threads[0]?.link.crash();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map(({ link }) => link.stop()));
  }

  #run(job: ThreadJob<SharedBuffer>, queue: QueuedJob[], signal: AbortSignal): Promise<ThreadResult> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        queue.splice(queue.indexOf(queued), 1);
        reject(signal.reason);
      };
      const queued: QueuedJob = { job, signal, onAbort, resolve, reject };
      queue.push(queued);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#idle.length > 0) {
      const queued = this.#additions.shift() ?? this.#microBatches.shift();
      const thread = queued && this.#idle.shift();
      if (queued === undefined || thread === undefined) return;
      queued.signal.removeEventListener("abort", queued.onAbort);
      thread.link
        .call(introduced(queued.job, thread.introductions))
        .then(queued.resolve, queued.reject)
        .finally(() => {
          this.#idle.push(thread);
          this.#dispatch();
        });
    }
  }
}

function introduced(job: ThreadJob<SharedBuffer>, introductions: BufferIntroductions): ThreadJob {
  if (job.kind === "addition") {
    return { kind: job.kind, into: introductions.refTo(job.into), from: introductions.refTo(job.from) };
  }
  return {
    ...job,
    weights: introductions.refTo(job.weights),
    pixels: introductions.refTo(job.pixels),
    out: job.out === null ? null : introductions.refTo(job.out),
  };
}

function agreed(answers: readonly ThreadReady[]): ThreadReady {
  const [first, ...others] = answers;
  if (first === undefined) throw new Error("a worker needs at least one compute thread");
  for (const other of others) {
    const found = differences(first.numerics, other.numerics);
    if (found.length > 0) throw new Error(`compute threads would compute differently: ${canonicalJson(found)}`);
  }
  return first;
}
