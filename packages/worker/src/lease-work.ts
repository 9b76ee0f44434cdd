// LeaseWork processes the leases of one session: it fetches the weights, computes the sum and uploads it. The session
// (session.ts) decides what a failure means, and aborts leases that were revoked.
import { performance } from "node:perf_hooks";
import {
  contributionHeader,
  float32Bytes,
  type JoinResponse,
  type Lease,
  Pass,
  type TensorLayout,
  WireError,
} from "@lockstep/protocol";
import { backoff, retry } from "@lockstep/service";
import type { Logger } from "pino";
import type { CoordinatorLink } from "./coordinator-link.js";
import type { FaultInjector, FaultPhase } from "./faults.js";
import { type ComputeContext, computeLease, type LeaseSum } from "./lease-computation.js";
import type { HeldWeights, WeightsStore } from "./weights-store.js";

export interface LeaseWorkContext {
  readonly link: CoordinatorLink;
  readonly joined: JoinResponse;
  readonly layout: TensorLayout;
  readonly computeContext: ComputeContext;
  readonly weights: WeightsStore;
  readonly faults: FaultInjector;
  readonly log: Logger;
}

/** How often bytes are sent at most, when they arrive damaged. */
const transferAttempts = 3;
const damageBackoff = backoff({ baseMs: 20, maxMs: 200, factor: 3, jitter: false });

export class LeaseWork {
  readonly #context: LeaseWorkContext;
  /** Aborted when the session is over. */
  readonly #over: AbortSignal;

  constructor(context: LeaseWorkContext, over: AbortSignal) {
    this.#context = context;
    this.#over = over;
  }

  /**
   * Resolves when the coordinator has answered. `accepted` is false when it did not need the sum, because another
   * worker was faster.
   * @throws `signal.reason` if the signal is aborted, else the error of the failed call or computation
   */
  async run(lease: Lease, signal: AbortSignal): Promise<{ readonly accepted: boolean }> {
    const { computeContext } = this.#context;
    await this.#waitForFaultPoint("lease", lease, signal);
    const fetchStart = performance.now();
    const weights = await this.#weightsOf(lease, signal);
    const fetchSeconds = (performance.now() - fetchStart) / 1000;
    const sum = await this.#compute(lease, weights, signal);
    try {
      return await this.#submit(lease, { sum, fetchSeconds, signal });
    } finally {
      if (sum.tensors !== null) computeContext.contributions.give(sum.tensors);
    }
  }

  #weightsOf(lease: Lease, signal: AbortSignal): Promise<HeldWeights> {
    const { link, joined, layout, weights } = this.#context;
    const { coordinatorGeneration, step, weightsDigest } = lease;
    const request = { sessionId: joined.sessionId, coordinatorGeneration, step, weightsDigest };
    // Other leases may wait for the same weights: only the end of the session aborts the fetch.
    const over = this.#over;
    const fetch = (into: SharedArrayBuffer): Promise<void> =>
      retry(
        () => link.fetchWeights(request, { layoutSha256: layout.sha256, into: new Uint8Array(into), signal: over }),
        { signal: over, backoff: damageBackoff, shouldRetry: retryDamagedTransfer() },
      );
    return weights.acquire(weightsDigest, fetch, signal);
  }

  async #compute(lease: Lease, weights: HeldWeights, signal: AbortSignal): Promise<LeaseSum> {
    const { computeContext } = this.#context;
    const [computed, faultPoint] = await Promise.allSettled([
      computeLease(computeContext, { work: lease, weights, signal }),
      this.#waitForFaultPoint("compute", lease, signal),
    ]);
    weights.release();
    if (computed.status === "rejected") throw computed.reason;
    if (faultPoint.status === "fulfilled") return computed.value;
    const { tensors } = computed.value;
    if (tensors !== null) computeContext.contributions.give(tensors);
    throw faultPoint.reason;
  }

  async #submit(
    lease: Lease,
    { sum, fetchSeconds, signal }: { sum: LeaseSum; fetchSeconds: number; signal: AbortSignal },
  ): Promise<{ readonly accepted: boolean }> {
    const { link, joined, layout, log } = this.#context;
    const header = {
      sessionId: joined.sessionId,
      leaseId: lease.leaseId,
      coordinatorGeneration: lease.coordinatorGeneration,
      pass: lease.pass,
      step: lease.step,
      weightsDigest: lease.weightsDigest,
      firstMicroBatch: lease.firstMicroBatch,
      count: lease.count,
      proofs: sum.proofs,
      sums: Array.from(sum.sums),
      tensors: sum.tensors === null ? undefined : contributionHeader(layout),
      phaseSeconds: { fetchWeights: fetchSeconds, ...sum.seconds },
    };
    const tensors =
      sum.tensors === null ? null : float32Bytes(new Float32Array(sum.tensors.shared, 0, layout.numElements));
    const onUnderway = () => this.#waitForFaultPoint("upload", lease, signal);
    // After a damaged upload the coordinator keeps the lease open for a short time.
    const { accepted, reason } = await retry(() => link.submitSum(header, { tensors, onUnderway, signal }), {
      signal,
      backoff: damageBackoff,
      shouldRetry: retryDamagedTransfer(),
    });
    if (!accepted) log.info({ leaseId: lease.leaseId, reason }, "a sum was not needed");
    return { accepted };
  }

  #waitForFaultPoint(phase: FaultPhase, { step, pass }: Lease, signal: AbortSignal): Promise<void> {
    const { faults, joined } = this.#context;
    const { slot, generation } = joined;
    const name = pass === Pass.VALIDATE ? "validate" : "train";
    return faults.waitForFaultPoint({ slot, generation, step, phase, pass: name }, signal);
  }
}

function retryDamagedTransfer(): (error: unknown) => boolean {
  let failures = 0;
  return (error) => error instanceof WireError && error.code === "bad-chunk" && ++failures < transferAttempts;
}
