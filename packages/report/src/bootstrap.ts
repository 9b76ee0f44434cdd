// Computes bootstrap confidence intervals (bootstrapIntervals) with the percentile method (Efron and Tibshirani, An
// Introduction to the Bootstrap, 1993, chapter 13), drawing images with replacement. All figures of an evaluation use
// the same draws, and the draws depend only on (seed, resample), so that a report is reproducible. Pure.
import { CounterRandom, fillUniform, randomDomain } from "@lockstep/numerics";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Computes the figures of one resample. `draws` holds n sample indexes, 0..n-1. */
export type ResampledFigures<Name extends string> = (draws: Uint32Array) => Readonly<Record<Name, number>>;

export const confidenceLevel = 0.95;
const seed = 0;

/** Uniform random numbers have 24 bits, so that no more samples can be told apart. */
const maxSamples = 2 ** 24;

/** Returns the interval of each figure. @throws RangeError if numSamples is out of range */
export function bootstrapIntervals<Name extends string>(options: {
  /** At least 1. */
  readonly numSamples: number;
  readonly resamples: number;
  readonly figures: ResampledFigures<Name>;
}): Record<Name, Interval> {
  const { numSamples, resamples, figures } = options;
  if (numSamples < 1 || numSamples > maxSamples) throw new RangeError(`bootstrap of ${numSamples} samples`);
  const values = new Map<string, Float64Array>();
  const uniform = new Float32Array(numSamples);
  const draws = new Uint32Array(numSamples);
  for (let resample = 0; resample < resamples; resample++) {
    fillUniform(new CounterRandom(seed, randomDomain.bootstrap, resample), uniform);
    for (let i = 0; i < numSamples; i++) draws[i] = Math.floor((uniform[i] ?? 0) * numSamples);
    for (const [name, value] of Object.entries<number>(figures(draws))) {
      const known = values.get(name) ?? new Float64Array(resamples);
      known[resample] = value;
      values.set(name, known);
    }
  }
  // The cast is safe: figures() returns exactly one value for each Name.
  return Object.fromEntries([...values].map(([name, all]) => [name, interval(all)])) as Record<Name, Interval>;
}

function interval(values: Float64Array): Interval {
  const sorted = values.toSorted();
  const tail = (1 - confidenceLevel) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

/**
 * Interpolates linearly between the two nearest order statistics, as numpy does by default. simple-statistics does not
 * interpolate.
 */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
