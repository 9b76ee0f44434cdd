// Owns the patience with uploads that broke: the worker may send the same sum again; when it does not, the lease is
// given up, so that a step never waits for an answer that nobody is sending.

import type { Conductor } from "../conductor.js";
import { type OpenLease, openPass } from "../core/state.js";

const defaultPatienceMs = 3000;

export class BrokenUploads {
  readonly #conductor: Conductor;
  readonly #patienceMs: number;
  readonly #nowMs: () => number;
  readonly #broken = new Map<number, { readonly sessionId: string; readonly reason: string; readonly atMs: number }>();

  constructor(
    conductor: Conductor,
    {
      patienceMs = defaultPatienceMs,
      nowMs = () => performance.now(),
    }: { patienceMs?: number; nowMs?: () => number } = {},
  ) {
    this.#conductor = conductor;
    this.#patienceMs = patienceMs;
    this.#nowMs = nowMs;
  }

  broke({ leaseId, sessionId }: OpenLease, reason: string): void {
    this.#broken.set(leaseId, { sessionId, reason, atMs: this.#nowMs() });
  }

  /** Several times a second. */
  giveUpOld(): void {
    const open = openPass(this.#conductor.state)?.leases.map(({ leaseId }) => leaseId) ?? [];
    for (const [leaseId, { sessionId, reason, atMs }] of this.#broken) {
      const isOpen = open.includes(leaseId);
      if (isOpen && this.#nowMs() - atMs < this.#patienceMs) continue;
      this.#broken.delete(leaseId);
      if (isOpen) this.#conductor.dispatch({ type: "lease-failed", sessionId, leaseId, reason });
    }
  }
}
