// Owns one lease's way through the worker: weights, computation, upload. Whether it is still wanted, and what its
// failure means, is the session's.
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

/** Bytes that were damaged on the way are sent so often. */
const transferAttempts = 3;
const damageBackoff = backoff({ baseMs: 20, maxMs: 200, factor: 3, jitter: false });

/** For the leases of one session. */
export class LeaseWork {
  readonly #context: LeaseWorkContext;
  /** Aborted when the session is over. */
  readonly #over: AbortSignal;

  constructor(context: LeaseWorkContext, over: AbortSignal) {
    this.#context = context;
    this.#over = over;
  }

  /** accepted: false when somebody else's answer came first. Rejects with `signal.reason`, or with what failed. */
  async run(lease: Lease, signal: AbortSignal): Promise<{ readonly accepted: boolean }> {
    const { computeContext } = this.#context;
    await this.#reach("lease", lease, signal);
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
    // Other leases may wait for the same weights: only the session's end breaks the fetch off.
    const over = this.#over;
    const fetch = (into: SharedArrayBuffer): Promise<void> =>
      retry(
        () => link.fetchWeights(request, { layoutSha256: layout.sha256, into: new Uint8Array(into), signal: over }),
        { signal: over, backoff: damageBackoff, shouldRetry: retriesOfDamage() },
      );
    return weights.acquire(weightsDigest, fetch, signal);
  }

  async #compute(lease: Lease, weights: HeldWeights, signal: AbortSignal): Promise<LeaseSum> {
    const { computeContext } = this.#context;
    const [computed, reached] = await Promise.allSettled([
      computeLease(computeContext, { work: lease, weights, signal }),
      this.#reach("compute", lease, signal),
    ]);
    weights.release();
    if (computed.status === "rejected") throw computed.reason;
    if (reached.status === "fulfilled") return computed.value;
    const { tensors } = computed.value;
    if (tensors !== null) computeContext.contributions.give(tensors);
    throw reached.reason;
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
    const onUnderway = () => this.#reach("upload", lease, signal);
    // Damaged on the way: the coordinator keeps the lease open for a moment.
    const { accepted, reason } = await retry(() => link.submitSum(header, { tensors, onUnderway, signal }), {
      signal,
      backoff: damageBackoff,
      shouldRetry: retriesOfDamage(),
    });
    if (!accepted) log.info({ leaseId: lease.leaseId, reason }, "a sum was not needed");
    return { accepted };
  }

  #reach(phase: FaultPhase, { step, pass }: Lease, signal: AbortSignal): Promise<void> {
    const { faults, joined } = this.#context;
    const { slot, generation } = joined;
    const name = pass === Pass.VALIDATE ? "validate" : "train";
    return faults.reach({ slot, generation, step, phase, pass: name }, signal);
  }
}

function retriesOfDamage(): (error: unknown) => boolean {
  let failures = 0;
  return (error) => error instanceof WireError && error.code === "bad-chunk" && ++failures < transferAttempts;
}
