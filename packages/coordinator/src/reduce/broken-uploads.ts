// Fails the leases of broken uploads: `BrokenUploads`. A worker may send the same sum again within 3 s. If it does not,
// its lease fails, so that a step never waits for a sum that no worker sends.
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

  /** The upload of the lease's sum broke, for this reason. */
  markBroken({ leaseId, sessionId }: OpenLease, reason: string): void {
    this.#broken.set(leaseId, { sessionId, reason, atMs: this.#nowMs() });
  }

  /** The worker is sending the lease's sum again. */
  markResumed({ leaseId }: OpenLease): void {
    this.#broken.delete(leaseId);
  }

  /** Fails the leases whose time is over. Call it several times a second. */
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
