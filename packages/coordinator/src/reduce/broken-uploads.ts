// Waits for uploads that broke: `BrokenUploads`. The worker may send the same sum again. When it does not, the lease fails,
// so that a step never waits for a sum that nobody sends.

import type { Conductor } from "../conductor.js";
import { type OpenLease, openPass } from "../core/state.js";

const defaultPatienceMs = 3000;

export class BrokenUploads {
  readonly #conductor: Pick<Conductor, "state" | "dispatch">;
  readonly #patienceMs: number;
  readonly #nowMs: () => number;
  readonly #broken = new Map<number, { readonly sessionId: string; readonly reason: string; readonly atMs: number }>();

  constructor(
    conductor: Pick<Conductor, "state" | "dispatch">,
    { patienceMs = defaultPatienceMs, nowMs }: { readonly patienceMs?: number; readonly nowMs: () => number },
  ) {
    this.#conductor = conductor;
    this.#patienceMs = patienceMs;
    this.#nowMs = nowMs;
  }

  markBroken({ leaseId, sessionId }: OpenLease, reason: string): void {
    this.#broken.set(leaseId, { sessionId, reason, atMs: this.#nowMs() });
  }

  /** The worker sends the lease's sum again. */
  markResumed({ leaseId }: OpenLease): void {
    this.#broken.delete(leaseId);
  }

  /** To be called several times a second. */
  failExpired(): void {
    const open = openPass(this.#conductor.state)?.leases.map(({ leaseId }) => leaseId) ?? [];
    for (const [leaseId, { sessionId, reason, atMs }] of this.#broken) {
      const isOpen = open.includes(leaseId);
      if (isOpen && this.#nowMs() - atMs < this.#patienceMs) continue;
      this.#broken.delete(leaseId);
      if (isOpen) this.#conductor.dispatch({ type: "lease-failed", sessionId, leaseId, reason });
    }
  }
}
