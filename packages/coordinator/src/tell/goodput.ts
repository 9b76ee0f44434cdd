// Owns the share of a run's time that led to its present position (goodput): carried from life to life by checkpoints, so
// that what a crash throws away, and the time until somebody is there again, count against it; and by the result of a
// life that ended in order, so that its time after the last checkpoint counts, too.
import type { GoodputRecord } from "@lockstep/protocol";

/** Of a life that ended in order. */
export interface PreviousEnd {
  /** Of the run, at that end; null: it is not known, as an older release wrote the result. */
  readonly wallSeconds: number | null;
}

/** What a life begins with. @param stored by the checkpoint that it goes on from; null: no life has written it */
export function carriedOver(
  stored: GoodputRecord | null,
  life: {
    readonly beganAtMs: number;
    /** Null: the life before broke off, or there was none. */
    readonly previousEnd: PreviousEnd | null;
  },
): Omit<GoodputRecord, "savedAtMs"> {
  const { beganAtMs, previousEnd } = life;
  const { productiveSeconds, wallSeconds, savedAtMs } = stored ?? {
    productiveSeconds: 0,
    wallSeconds: 0,
    savedAtMs: beganAtMs,
  };
  if (previousEnd !== null) return { productiveSeconds, wallSeconds: previousEnd.wallSeconds ?? wallSeconds };
  // Two machines' clocks may disagree: time does not run backwards.
  return { productiveSeconds, wallSeconds: wallSeconds + Math.max(0, beganAtMs - savedAtMs) / 1000 };
}

export class Goodput {
  readonly #carried: Omit<GoodputRecord, "savedAtMs">;
  readonly #productiveSeconds: () => number;
  readonly #beganAtMs: number;
  readonly #unixMs: () => number;

  constructor(options: {
    readonly carried: Omit<GoodputRecord, "savedAtMs">;
    /** Of this life. */
    readonly productiveSeconds: () => number;
    readonly beganAtMs: number;
    readonly unixMs: () => number;
  }) {
    this.#carried = options.carried;
    this.#productiveSeconds = options.productiveSeconds;
    this.#beganAtMs = options.beganAtMs;
    this.#unixMs = options.unixMs;
  }

  get record(): GoodputRecord {
    const savedAtMs = this.#unixMs();
    return {
      productiveSeconds: this.#carried.productiveSeconds + this.#productiveSeconds(),
      wallSeconds: this.#carried.wallSeconds + Math.max(0, savedAtMs - this.#beganAtMs) / 1000,
      savedAtMs,
    };
  }

  /** 0 to 1. */
  get ratio(): number {
    const { productiveSeconds, wallSeconds } = this.record;
    return wallSeconds > 0 ? Math.min(1, productiveSeconds / wallSeconds) : 0;
  }
}
