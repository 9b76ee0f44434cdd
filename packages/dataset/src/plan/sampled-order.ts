// Computes which training samples an epoch holds, and in which order (sampledOrder). It is a pure function of (seed,
// epoch, weights): every worker computes the same order without messages, and each position holds the same sample after
// a resume and for any number of workers.
//
// Weighted epochs are drawn by systematic sampling (Madow 1949). The shuffled samples are laid end to end on a line,
// each as long as its weight; trainSamples equally spaced points with one random offset then choose samples. In an
// epoch of n samples, a sample with the share p of all weights occurs floor(n p) or ceil(n p) times. That is less noise
// than n independent draws give, and with equal weights each sample occurs exactly once.
import { CounterRandom, permutation, randomDomain } from "@lockstep/numerics";
import { epochOrder } from "./step-plan.js";

export interface SampledOrder {
  readonly seed: number;
  readonly epoch: number;
  readonly trainSamples: number;
  /**
   * Relative frequency of each sample of the training part: at least 0, and at least one above 0. Null means each
   * sample once.
   */
  readonly weights: Float64Array | null;
}

const stream = { shuffle: 0, offset: 1 } as const;

/** Returns an array of length trainSamples: position in the epoch -> index into the training part. */
export function sampledOrder({ seed, epoch, trainSamples, weights }: SampledOrder): Uint32Array {
  const order = epochOrder(seed, epoch, trainSamples);
  if (weights === null) return order;
  if (weights.length !== trainSamples) throw new RangeError(`${weights.length} weights for ${trainSamples} samples`);
  const chosen = systematicDraw(weights, seed, epoch);
  return order.map((place) => chosen[place] as number); // safe: a permutation only holds valid indexes
}

function systematicDraw(weights: Float64Array, seed: number, epoch: number): Uint32Array {
  const shuffled = permutation(new CounterRandom(seed, randomDomain.sampling, epoch, stream.shuffle), weights.length);
  const weightAt = (place: number): number => weights[shuffled[place] ?? -1] ?? Number.NaN;
  const total = shuffled.reduce((sum, _, place) => sum + weightAt(place), 0);
  if (!(total > 0 && Number.isFinite(total))) throw new RangeError(`the sampling weights add up to ${total}`);
  const spacing = total / weights.length;
  const offset = new CounterRandom(seed, randomDomain.sampling, epoch, stream.offset).uniform(0);
  const chosen = new Uint32Array(weights.length);
  let place = 0;
  let end = weightAt(0);
  for (let draw = 0; draw < chosen.length; draw++) {
    const point = (draw + offset) * spacing;
    // Because of rounding, the last point may be slightly past the end of the line, where samples of weight 0 may be.
    while (point >= end && place < weights.length - 1) end += weightAt(++place);
    chosen[draw] = shuffled[lastOfWeight(weightAt, place)] ?? 0;
  }
  return chosen;
}

/** Returns the place, or the nearest place before it whose sample has a weight above 0. */
function lastOfWeight(weightAt: (place: number) => number, place: number): number {
  let found = place;
  while (found > 0 && weightAt(found) === 0) found -= 1;
  return found;
}
