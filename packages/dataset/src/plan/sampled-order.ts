// Computes which training samples an epoch holds, and in which order (sampledOrder): a pure function of (seed, epoch, weights), so that every
// worker knows it without talking, and any position of it is the same after a resume and for any number of workers.
//
// Weighted epochs are drawn by systematic sampling (Madow 1949): the samples, shuffled, lie end to end on a line, each as
// long as its weight; trainSamples equally spaced points with one random offset pick them. A sample of weight share p stands
// in an epoch of n floor(n p) or ceil(n p) times, never further from its expectation: less noise than n independent draws,
// and equal weights give each sample exactly once.
import { CounterRandom, permutation, randomDomain } from "@lockstep/numerics";
import { epochOrder } from "./step-plan.js";

export interface SampledOrder {
  readonly seed: number;
  readonly epoch: number;
  readonly trainSamples: number;
  /** How often each sample of the training part is wanted, relative to the others, at least 0, one above; null: each once. */
  readonly weights: Float64Array | null;
}

const stream = { shuffle: 0, offset: 1 } as const;

/** Position in the epoch -> index into the training part; trainSamples of them. */
export function sampledOrder({ seed, epoch, trainSamples, weights }: SampledOrder): Uint32Array {
  const order = epochOrder(seed, epoch, trainSamples);
  if (weights === null) return order;
  if (weights.length !== trainSamples) throw new RangeError(`${weights.length} weights for ${trainSamples} samples`);
  const chosen = systematicDraw(weights, seed, epoch);
  return order.map((place) => chosen[place] as number); // a permutation stays in range
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
    // The last point may lie a rounding error past the end of the line, where samples of weight 0 may stand.
    while (point >= end && place < weights.length - 1) end += weightAt(++place);
    chosen[draw] = shuffled[lastOfWeight(weightAt, place)] ?? 0;
  }
  return chosen;
}

/** The place, or the nearest before it whose sample has a weight. */
function lastOfWeight(weightAt: (place: number) => number, place: number): number {
  let found = place;
  while (found > 0 && weightAt(found) === 0) found -= 1;
  return found;
}
