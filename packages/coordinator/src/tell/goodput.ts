// Computes the share of a run's time that led to its current position: `Goodput`. Checkpoints store the times for the
// next generation of the coordinator. So the work that a crash loses, and the time until the restart, lower the
// goodput. The result of a generation that ended in order stores its time after the last checkpoint.
import type { GoodputRecord } from "@lockstep/protocol";

/** The end of a generation that ended in order. */
export interface PreviousEnd {
  /** Wall time of the run until that end. Null when an older release wrote the result, without this time. */
  readonly wallSeconds: number | null;
}

/**
 * The times with which a generation begins.
 * @param stored the times in the checkpoint from which the generation starts, or null when it has none
 */
export function carriedOver(
  stored: GoodputRecord | null,
  generation: {
    readonly beganAtMs: number;
    /** Null when the previous generation failed or was killed, or there was none. */
    readonly previousEnd: PreviousEnd | null;
  },
): Omit<GoodputRecord, "savedAtMs"> {
  const { beganAtMs, previousEnd } = generation;
  const { productiveSeconds, wallSeconds, savedAtMs } = stored ?? {
    productiveSeconds: 0,
    wallSeconds: 0,
    savedAtMs: beganAtMs,
  };
  if (previousEnd !== null) return { productiveSeconds, wallSeconds: previousEnd.wallSeconds ?? wallSeconds };
  // The clocks of two machines may differ, so the difference may be negative.
  return { productiveSeconds, wallSeconds: wallSeconds + Math.max(0, beganAtMs - savedAtMs) / 1000 };
}

export class Goodput {
  readonly #carried: Omit<GoodputRecord, "savedAtMs">;
  readonly #productiveSeconds: () => number;
  readonly #beganAtMs: number;
  readonly #unixMs: () => number;

  constructor(options: {
    readonly carried: Omit<GoodputRecord, "savedAtMs">;
    /** Productive time of this generation. */
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
