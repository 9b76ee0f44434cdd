// runWorker() runs a worker from its start to its end: it waits for the coordinator, prepares the run, joins it,
// computes leases, joins again after a lost connection, and leaves.
//
//   contacting -> preparing -> joining -> attending -> left
//                                ^-----------'  (connection lost, coordinator restarted)
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { DataOptions } from "@lockstep/dataset";
import { type Log, UserError } from "@lockstep/errors";
import {
  canonicalJson,
  differences,
  type GetRunResponse,
  type JoinRequest,
  PROTOCOL_VERSION,
  type RunSpec,
  sendJoinToken,
  WireError,
} from "@lockstep/protocol";
import type { BackendChoice, DeviceChoice } from "@lockstep/recipe";
import { backoff, connect, findJoinToken, sleep, tlsAs } from "@lockstep/service";
import type { Logger } from "pino";
import { type AdmissionContext, contact, join } from "./admission.js";
import { ThreadBatchLoader } from "./batch-loader.js";
import { ComputeThreads } from "./compute-threads.js";
import { CoordinatorLink } from "./coordinator-link.js";
import { FaultInjector, faultsVariable, parseFaults } from "./faults.js";
import { type GpuWatch, watchGpus } from "./gpu-vitals.js";
import type { ComputeContext } from "./lease-computation.js";
import { type PreparedRun, parseRun, prepareRun } from "./preparation.js";
import { runSession } from "./session.js";
import { SharedBufferPool } from "./shared-buffers.js";
import { WeightsStore } from "./weights-store.js";

export interface WorkerOptions {
  /** `unix:/path.sock` or `host:port`. */
  readonly coordinator: string;
  /** The place of the images on this machine. */
  readonly dataOptions: DataOptions;
  /** The run's recipe on this machine, a file or a package; not needed for a built-in recipe. */
  readonly recipe?: string | undefined;
  /** Path of the file of sampling weights, for a run that has one; null, the default: no file. */
  readonly weightsFile?: string | null | undefined;
  readonly cacheDir: string;
  readonly backend: BackendChoice;
  readonly device?: DeviceChoice | undefined;
  /** Compute threads, at least 1. */
  readonly threads: number;
  /** The slot that the worker asks for; -1, the default: any free one. */
  readonly slot?: number | undefined;
  readonly log: Logger;
  /** Gets the messages about the data set while it is opened and split; default: `log`. */
  readonly dataLog?: Log | undefined;
  /** When it is aborted, the worker finishes the leases that it holds, for at most 10 s, and leaves. */
  readonly signal: AbortSignal;
  /** True: the worker leaves when the coordinator is stopped. Default: it waits for a coordinator that resumes the run. */
  readonly endsWithCoordinator?: boolean | undefined;
  /** The worker gives up when no coordinator has answered for this long, milliseconds; null, the default: never. */
  readonly connectTimeoutMs?: number | null | undefined;
  /** Folder of the worker's certificates, for mutual TLS. */
  readonly tls?: string | undefined;
  /** Default: the file `join-token` in the folder of certificates, if there is one. */
  readonly joinTokenFile?: string | undefined;
  /** True: allow connections to other machines without TLS, with a warning. */
  readonly insecure?: boolean | undefined;
}

export interface WorkerOutcome {
  /** finished: the coordinator ended the session. left: the signal was aborted, or the run was over before the worker joined. */
  readonly kind: "finished" | "left";
  /** True if the run reached its end. */
  readonly completed: boolean;
  /** False if the run will not be resumed: no worker is needed any more. */
  readonly mayGoOn: boolean;
  /** Why the worker ended: one line for messages. */
  readonly reason: string;
  /** Null if the worker never joined. */
  readonly slot: number | null;
  /** Micro-batches whose sums the coordinator accepted. */
  readonly microBatches: number;
}

/** This many sessions in a row that end with INTERNAL, without an accepted sum, mean a bug, not a broken connection. */
const maxInternalEnds = 3;

/**
 * Works for one run until the run is over or the signal is aborted. After a lost connection or a restart of the
 * coordinator it joins again, as the same instance in the same slot.
 * @throws UserError if a person must correct something: other data, a refused join, another run at that address
 * @throws Error if a thread crashes: the process should end then, and a new process may join
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerOutcome> {
  const { threads, signal } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new UserError(`threads ${threads}: must be a whole number of at least 1 (--threads)`);
  }
  const run = new WorkerRun(options);
  try {
    return await run.run();
  } catch (error) {
    if (error instanceof WireError && error.code === "run-over") {
      options.log.info({ reason: error.message }, "no work is left");
      return run.outcome({ kind: "left", mayGoOn: false, reason: error.message });
    }
    if (!signal.aborted || error !== signal.reason) throw error;
    return run.outcome({ kind: "left", mayGoOn: true, reason: reasonText(signal.reason) });
  } finally {
    await run.close();
  }
}

class WorkerRun {
  readonly #options: WorkerOptions;
  readonly #link: CoordinatorLink;
  readonly #closers: (() => Promise<void>)[] = [];
  /** Aborted by close(), also after an error such as a crashed thread: it ends all work that is still under way. */
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  #working: Promise<WorkerOutcome> | null = null;
  readonly #instanceId = randomUUID();
  readonly #faults: FaultInjector;
  #crashThread: () => void = () => {};
  /** Null when the engine does not compute on a GPU. */
  #gpus: GpuWatch | null = null;
  #slot: number | null = null;
  #microBatches = 0;

  constructor(options: WorkerOptions) {
    const { coordinator: address, tls: folder, joinTokenFile: file, insecure, log } = options;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#closing.signal]);
    this.#faults = new FaultInjector(parseFaults(process.env[faultsVariable]), {
      kill: () => process.kill(process.pid, "SIGKILL"),
      crash: () => this.#crashThread(),
    });
    const tls = tlsAs("worker", folder);
    const interceptors = sendJoinToken(findJoinToken({ file, tlsFolder: folder }));
    this.#link = new CoordinatorLink(connect({ address, tls, insecure, interceptors, log }));
  }

  async run(): Promise<WorkerOutcome> {
    const { coordinator: address, log, connectTimeoutMs = null } = this.#options;
    const signal = this.#signal;
    const admission: AdmissionContext = { link: this.#link, address, log, signal, connectTimeoutMs };
    const run = await contact(admission);
    const prepared = await prepareRun({ ...this.#options, run, signal });
    const { computeContext, threads, loader, pixelsSha256 } = await this.#prepareCompute(prepared);
    const request = this.#joinRequest(prepared, { threads, pixelsSha256 });
    this.#working = this.#work({ admission, prepared, computeContext, request });
    return Promise.race([this.#working, threads.crashed, loader.crashed]);
  }

  outcome(end: Pick<WorkerOutcome, "kind" | "mayGoOn" | "reason"> & { readonly completed?: boolean }): WorkerOutcome {
    return { completed: false, ...end, slot: this.#slot, microBatches: this.#microBatches };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the worker ends"));
    await this.#working?.catch(() => {}); // run() has thrown this error, or an earlier one
    for (const close of this.#closers.reverse()) await close();
    this.#link.close();
  }

  /** Starts the threads and opens the image cache. The engines load while the cache is opened or built. */
  async #prepareCompute(prepared: PreparedRun) {
    const { threads: numThreads, log } = this.#options;
    const { spec, layout, source, threadSetup } = prepared;
    const [started, opened] = await Promise.allSettled([
      ComputeThreads.start({ numThreads, setup: threadSetup, log }),
      prepared.openCache(),
    ]);
    if (started.status === "fulfilled") this.#closers.push(() => started.value.stop());
    if (opened.status === "fulfilled") await opened.value.close(); // the loader's thread opens the cache itself
    if (started.status === "rejected") throw started.reason;
    if (opened.status === "rejected") throw opened.reason;
    const threads = started.value;
    this.#crashThread = () => threads.crashOne();
    if ("cudaDevice" in threads.ready.numerics) {
      const gpus = watchGpus({ log, visible: process.env["CUDA_VISIBLE_DEVICES"] });
      this.#gpus = gpus;
      this.#closers.push(async () => gpus.stop());
    }
    const loader = new ThreadBatchLoader({ cache: opened.value.handle(), log });
    this.#closers.push(() => loader.close());
    await loader.ready();
    this.#signal.throwIfAborted();
    const computeContext: ComputeContext = {
      source,
      loader,
      threads,
      // For each thread, one micro-batch is being computed and one is loaded.
      pixels: new SharedBufferPool({ bytes: largestMicroBatch(spec) * loader.imageBytes, limit: 2 * numThreads }),
      contributions: new SharedBufferPool({ bytes: 4 * layout.numElements, limit: Number.POSITIVE_INFINITY }),
    };
    return { computeContext, threads, loader, pixelsSha256: opened.value.pixelsSha256 };
  }

  #joinRequest(
    { specSha256, datasetFingerprint, layout }: PreparedRun,
    { threads, pixelsSha256 }: { readonly threads: ComputeThreads; readonly pixelsSha256: string },
  ): JoinRequest {
    return {
      protocolVersion: PROTOCOL_VERSION,
      runSpecSha256: specSha256,
      datasetFingerprint,
      pixelsSha256,
      numericsJson: canonicalJson(threads.ready.numerics),
      layoutSha256: layout.sha256,
      wantedSlot: this.#options.slot ?? -1,
      instanceId: this.#instanceId,
      computeThreads: threads.numThreads,
      host: hostname(),
    };
  }

  async #work({
    admission,
    prepared,
    computeContext,
    request,
  }: {
    readonly admission: AdmissionContext;
    readonly prepared: PreparedRun;
    readonly computeContext: ComputeContext;
    readonly request: JoinRequest;
  }): Promise<WorkerOutcome> {
    const { log, endsWithCoordinator = false } = this.#options;
    const signal = this.#signal;
    const weights = new WeightsStore(computeContext.contributions);
    const pause = backoff({ baseMs: 50, maxMs: 2_000, factor: 2, jitter: Math.random });
    const checkRun = (run: GetRunResponse) => checkSameRun(prepared, run);
    let silentSessions = 0;
    let internalEnds = 0;
    for (;;) {
      const wantedSlot = this.#slot ?? request.wantedSlot;
      const joined = await join(admission, { request: { ...request, wantedSlot }, checkRun });
      const { slot, generation, coordinatorGeneration } = joined;
      this.#slot = slot;
      log.info({ slot, generation, coordinatorGeneration }, "joined the run");
      const { layout } = prepared;
      const session = await runSession({
        ...{ link: this.#link, faults: this.#faults },
        ...{ joined, layout, computeContext, weights, log, signal },
        gpus: () => this.#gpus?.current() ?? [],
      });
      this.#microBatches += session.microBatches;
      const { end } = session;
      if (end.kind === "drained") return this.outcome({ kind: "left", mayGoOn: true, reason: end.reason });
      const isOver = end.kind === "finished" && (!end.mayGoOn || endsWithCoordinator);
      if (isOver) return this.outcome(end);
      const wait = end.kind === "finished" ? "waiting for a coordinator that resumes the run" : "joining again";
      log.warn({ slot, reason: end.reason }, `lost the coordinator; ${wait}`);
      internalEnds = session.endedInternally && session.microBatches === 0 ? internalEnds + 1 : 0;
      if (internalEnds >= maxInternalEnds)
        throw new Error(`${internalEnds} sessions in a row ended with an internal error: ${end.reason}`);
      silentSessions = session.receivedMessages ? 1 : silentSessions + 1;
      await sleep(pause(silentSessions), signal);
    }
  }
}

/** Returns the size of the largest micro-batch, in images: a part of the data may be smaller than --micro-batch. */
function largestMicroBatch({ microBatch, dataset }: RunSpec): number {
  const { train, val } = dataset.samples;
  return Math.min(microBatch, Math.max(train, val));
}

function checkSameRun(prepared: PreparedRun, run: GetRunResponse): void {
  const { spec, specSha256 } = parseRun(run);
  if (specSha256 === prepared.specSha256) return;
  const fields = differences(prepared.spec, spec).map(
    ({ field, before, after }) => `${field} was ${JSON.stringify(before)}, is ${JSON.stringify(after)}`,
  );
  throw new UserError(
    `the coordinator has another run now (${fields.join("; ")}); start this worker again to join that run`,
  );
}

function reasonText(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
