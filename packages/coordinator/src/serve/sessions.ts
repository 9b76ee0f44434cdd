// Holds the session streams of the attending workers: `Sessions`. A session has at most one stream, ever.
import { type Instruction, WireError } from "@lockstep/protocol";

/** The coordinator's side of a worker's session stream. */
export interface SessionStream {
  send(instruction: Instruction): void;
  /** Ends the stream after the instructions that were sent. */
  end(): void;
}

export class Sessions {
  readonly #streams = new Map<string, SessionStream & { readonly sinceMs: number }>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @throws WireError `unknown-session` if the session has a stream already; that stream stays open */
  attach(sessionId: string, stream: SessionStream): void {
    if (this.#streams.has(sessionId)) {
      throw new WireError("unknown-session", "the session has a stream already; join again");
    }
    this.#streams.set(sessionId, { ...stream, sinceMs: this.#nowMs() });
  }

  /** When the stream was opened, in the time of `nowMs`; null when the session has no stream. */
  sinceMs(sessionId: string): number | null {
    return this.#streams.get(sessionId)?.sinceMs ?? null;
  }

  /** Does nothing when the session has no stream. */
  send(sessionId: string, instruction: Instruction): void {
    this.#streams.get(sessionId)?.send(instruction);
  }

  /** Ends the session's stream. */
  end(sessionId: string): void {
    this.#streams.get(sessionId)?.end();
    this.#streams.delete(sessionId);
  }

  /** Sends a last instruction on every stream and ends the stream. Returns the number of streams. */
  endAll(last: Instruction): number {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) {
      stream.send(last);
      stream.end();
    }
    return streams.length;
  }
}
