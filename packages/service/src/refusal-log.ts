// Owns what is written down of peers that are turned away: the first of a kind at once, those that follow as a number, once a minute.
// Each line is a write to disk that the process waits for, and strangers should not decide how many there are.
import type { Log } from "@lockstep/errors";

const periodMs = 60_000;
/** A peer and a reason are a kind. Beyond that many in a period only their number is kept. */
export const maxKinds = 100;

export interface Refusal {
  readonly level: "info" | "warn";
  /** The host alone: a port is another for each connection. */
  readonly peer: string;
  readonly message: string;
}

export class RefusalLog {
  readonly #log: Log;
  readonly #kinds = new Map<string, { readonly refusal: Refusal; times: number }>();
  #numOthers = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  note(refusal: Refusal): void {
    const key = `${refusal.peer} ${refusal.level} ${refusal.message}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      known.times++;
      return;
    }
    this.#timer ??= setInterval(() => this.#summarise(), periodMs).unref();
    if (this.#kinds.size === maxKinds) {
      this.#numOthers++;
      return;
    }
    this.#kinds.set(key, { refusal, times: 0 });
    this.#log[refusal.level]({ peer: refusal.peer }, refusal.message);
  }

  /** Says what came since the last time. What did not come again is forgotten: the next of its kind is new. */
  #summarise(): void {
    for (const [key, kind] of this.#kinds) {
      const { level, peer, message } = kind.refusal;
      if (kind.times === 0) this.#kinds.delete(key);
      else this.#log[level]({ peer, times: kind.times }, `within a minute, again: ${message}`);
      kind.times = 0;
    }
    if (this.#numOthers > 0) {
      const times = this.#numOthers;
      this.#log.warn({ times }, "within a minute, more were turned away than are listed one by one");
      this.#numOthers = 0;
    }
    if (this.#kinds.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
