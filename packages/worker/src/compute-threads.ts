// ComputeThreads starts a worker's compute threads and gives each job to the first idle thread: additions before
// micro-batches, because additions free memory; micro-batches in the order of the calls. The choice of the thread
// changes no bit of the result.
import { canonicalJson, differences } from "@lockstep/protocol";
import type { Logger } from "pino";
import { SentBuffers } from "./buffer-refs.js";
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
  readonly sentBuffers: SentBuffers;
}

interface QueuedJob {
  readonly job: ThreadJob<SharedBuffer>;
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
  readonly resolve: (result: ThreadResult) => void;
  readonly reject: (reason: unknown) => void;
}

export class ComputeThreads {
  /** Rejects when a thread ends unexpectedly. Never resolves. */
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
    this.crashed.catch(() => {}); // the caller awaits it, and the jobs under way reject too
  }

  /**
   * Starts `numThreads` threads and waits until each has loaded its engine.
   * @throws UserError if the engine is not available
   * @throws Error if two threads have different numerics
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
      sentBuffers: new SentBuffers(),
    }));
    const computeThreads = new ComputeThreads(threads);
    try {
      computeThreads.#ready = commonReady(await Promise.all(threads.map(({ link }) => link.ready)));
      return computeThreads;
    } catch (error) {
      await computeThreads.stop();
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
   * When the signal is aborted, a job that waits rejects with `signal.reason` at once, and a job under way still runs
   * to its end. So no thread uses the job's buffers after the promise has settled.
   */
  async compute(job: MicroBatchJob<SharedBuffer>, signal: AbortSignal): Promise<MicroBatchResult> {
    const result = await this.#run(job, this.#microBatches, signal);
    if (result.kind !== "micro-batch") throw new Error(`the result of a micro-batch has kind ${result.kind}`);
    return result;
  }

  /** Settles as compute() does. */
  async add(job: AdditionJob<SharedBuffer>, signal: AbortSignal): Promise<AdditionResult> {
    const result = await this.#run(job, this.#additions, signal);
    if (result.kind !== "addition") throw new Error(`the result of an addition has kind ${result.kind}`);
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
        .call(withRefs(queued.job, thread.sentBuffers))
        .then(queued.resolve, queued.reject)
        .finally(() => {
          this.#idle.push(thread);
          this.#dispatch();
        });
    }
  }
}

function withRefs(job: ThreadJob<SharedBuffer>, sentBuffers: SentBuffers): ThreadJob {
  if (job.kind === "addition") {
    return { kind: job.kind, into: sentBuffers.refTo(job.into), from: sentBuffers.refTo(job.from) };
  }
  return {
    ...job,
    weights: sentBuffers.refTo(job.weights),
    pixels: sentBuffers.refTo(job.pixels),
    out: job.out === null ? null : sentBuffers.refTo(job.out),
  };
}

/** @throws Error if the threads' numerics differ */
function commonReady(answers: readonly ThreadReady[]): ThreadReady {
  const [first, ...others] = answers;
  if (first === undefined) throw new Error("a worker needs at least one compute thread");
  for (const other of others) {
    const found = differences(first.numerics, other.numerics);
    if (found.length > 0) throw new Error(`compute threads have different numerics: ${canonicalJson(found)}`);
  }
  return first;
}
