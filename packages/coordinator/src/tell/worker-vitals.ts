// Keeps the last heartbeat of each session: `WorkerVitals`. Only observers use it.
import type { Heartbeat } from "@lockstep/protocol";

export class WorkerVitals {
  readonly #bySession = new Map<string, Heartbeat>();

  record(sessionId: string, heartbeat: Heartbeat): void {
    this.#bySession.set(sessionId, heartbeat);
  }

  forget(sessionId: string): void {
    this.#bySession.delete(sessionId);
  }

  /** Undefined before the first heartbeat and after the end of the session. */
  of(sessionId: string): Heartbeat | undefined {
    return this.#bySession.get(sessionId);
  }
}
