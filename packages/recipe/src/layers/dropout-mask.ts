// dropoutMask: draws the mask of a dropout layer by (seed, step, micro-batch, layer), so that it is the same on every
// worker.
import { CounterRandom, fillUniform, randomDomain } from "@lockstep/numerics";
import type { MicroBatchKey } from "../recipe.js";

/**
 * The mask of inverted dropout: each element is 0 or 1 / (1 - rate).
 * @param options.layer ordinal of the dropout layer in the model, from 0
 * @param options.rate share of the elements that are 0
 */
export function dropoutMask(options: {
  readonly key: MicroBatchKey;
  readonly layer: number;
  readonly rate: number;
  readonly size: number;
}): Float32Array {
  const { key, layer, rate, size } = options;
  const mask = new Float32Array(size);
  fillUniform(new CounterRandom(key.seed, randomDomain.dropout, key.step, key.microBatch, layer), mask);
  const kept = 1 / (1 - rate);
  mask.forEach((uniform, i) => {
    mask[i] = uniform < rate ? 0 : kept;
  });
  return mask;
}
