// Owns the share of a run's time that led to its present position (goodput): carried from life to life by checkpoints, so
// that what a crash throws away, and the time until somebody is there again, count against it.

/** As a checkpoint carries it. */
export interface GoodputRecord {
  /** Spent in the steps and validations behind the checkpoint's position. */
  readonly productiveSeconds: number;
  /** Since the run began, without the gaps after lives that ended in order. */
  readonly wallSeconds: number;
  /** Unix time of the record, milliseconds. */
  readonly savedAtMs: number;
}

/** What a life begins with. Null: the run begins. */
export function carriedOver(
  stored: GoodputRecord | null,
  life: { readonly beganAtMs: number; readonly formerEndedInOrder: boolean },
): Omit<GoodputRecord, "savedAtMs"> {
  if (stored === null) return { productiveSeconds: 0, wallSeconds: 0 };
  const { productiveSeconds, wallSeconds, savedAtMs } = stored;
  // Two machines' clocks may disagree: time does not run backwards.
  const gapSeconds = life.formerEndedInOrder ? 0 : Math.max(0, life.beganAtMs - savedAtMs) / 1000;
  return { productiveSeconds, wallSeconds: wallSeconds + gapSeconds };
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
