// Logs refused peers with `RefusalLog`: the first of a kind at once, the following ones as a number, once a minute. The process waits
// for each line to be written, so strangers must not decide how many lines there are.
import type { Log } from "@lockstep/errors";

const periodMs = 60_000;
/** A kind is a peer and a reason. Beyond so many in a period only their number is kept. */
export const maxKinds = 100;

export interface Refusal {
  readonly level: "info" | "warn";
  /** The host without a port, which differs for each connection. */
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

  /** Logs the numbers since the last time. A kind that did not come again is forgotten: its next refusal is a first one. */
  #summarise(): void {
    for (const [key, kind] of this.#kinds) {
      const { level, peer, message } = kind.refusal;
      if (kind.times === 0) this.#kinds.delete(key);
      else this.#log[level]({ peer, times: kind.times }, `within a minute, again: ${message}`);
      kind.times = 0;
    }
    if (this.#numOthers > 0) {
      const times = this.#numOthers;
      this.#log.warn({ times }, "within a minute, more connections were refused than are listed one by one");
      this.#numOthers = 0;
    }
    if (this.#kinds.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
