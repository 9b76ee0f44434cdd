// Owns what dropout drops: drawn by (seed, step, micro-batch, layer), so that it is the same whoever computes.
import { CounterRandom, fillUniform, randomDomain } from "@lockstep/numerics";
import type { MicroBatchKey } from "../recipe.js";

/** Inverted dropout's mask: 0 or 1 / (1 - rate). layer: the ordinal of the dropout layer in the model. */
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
