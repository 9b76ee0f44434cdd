// Owns what the workers last said of their own health, by session; for observers alone.
import type { Heartbeat } from "@lockstep/protocol";

export class WorkerVitals {
  readonly #bySession = new Map<string, Heartbeat>();

  record(sessionId: string, heartbeat: Heartbeat): void {
    this.#bySession.set(sessionId, heartbeat);
  }

  forget(sessionId: string): void {
    this.#bySession.delete(sessionId);
  }

  /** Undefined: nothing heard, or the session is over. */
  of(sessionId: string): Heartbeat | undefined {
    return this.#bySession.get(sessionId);
  }
}
