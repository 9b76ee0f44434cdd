// Draws random numbers by their coordinates with `CounterRandom`. Seed and domain are Philox's key; up to three coordinates and
// the draw's index are its counter. Draw i has the same bits on every machine, whatever was drawn before.
import { kernels } from "./native.js";
import { philox4x32 } from "./philox.js";

/**
 * The purpose of the numbers. Each domain has its own key, and defines the meaning of its coordinates, given beside it: the
 * coordinates (a) and (a, 0) are the same counter. The values determine the weights: add new ones, never change one.
 */
export const randomDomain = {
  /** (epoch) */
  epochOrder: 1,
  /** (epoch, position) */
  augmentation: 2,
  /** (step, micro-batch, layer) */
  dropout: 3,
  /** (tensor) */
  initialisation: 4,
  /** (stratum) */
  split: 5,
  /** (part, stratum) */
  subset: 6,
  /** (sample): images of the embedded data set */
  synthetic: 7,
  /** (sample): labels of the embedded data set */
  syntheticLabels: 8,
  /** Times of reconnection and the like, which do not influence the weights. */
  scheduling: 9,
  /** (epoch, stream): which samples a weighted epoch holds */
  sampling: 10,
  /** (resample): confidence intervals of an evaluation */
  bootstrap: 11,
  /** (): images of a contact sheet */
  contactSheet: 12,
} as const;

export type RandomDomain = (typeof randomDomain)[keyof typeof randomDomain];

const uint32Limit = 2 ** 32;

/** Random numbers of one seed, domain and tuple of coordinates. */
export class CounterRandom {
  /** Key and counter in the kernels' form: k0, k1, then the three coordinates. */
  readonly coordinates: Readonly<Uint32Array>;
  readonly #block = new Uint32Array(4);
  #blockIndex = Number.NaN;

  /**
   * @param coordinates at most three; absent ones are 0
   * @throws RangeError if the seed, the domain or a coordinate is not a uint32
   */
  constructor(seed: number, domain: RandomDomain, ...coordinates: readonly number[]) {
    if (coordinates.length > 3) throw new RangeError(`CounterRandom: ${coordinates.length} coordinates, at most 3`);
    for (const value of [seed, domain, ...coordinates]) requireUint32("CounterRandom: seed or coordinate", value);
    const [a = 0, b = 0, c = 0] = coordinates;
    this.coordinates = Uint32Array.of(seed, domain, a, b, c);
  }

  /** Draw i, uniform over all uint32. @param i from 0 to 2^34 - 1 @throws RangeError if i is not */
  uint32(i: number): number {
    if (!Number.isInteger(i)) throw new RangeError(`CounterRandom: draw ${i}: must be an integer`);
    const blockIndex = Math.floor(i / 4);
    if (blockIndex !== this.#blockIndex) {
      requireUint32("CounterRandom: draw / 4", blockIndex);
      // The constructor filled five elements.
      const [k0, k1, a, b, c] = this.coordinates as unknown as [number, number, number, number, number];
      philox4x32([k0, k1], [blockIndex, a, b, c], this.#block);
      this.#blockIndex = blockIndex;
    }
    return this.#block[i & 3] as number; // 0..3 of 4
  }

  /** Draw i in [0, 1): the upper 24 bits of uint32(i), divided by 2^24. It is exact in float32. */
  uniform(i: number): number {
    return (this.uint32(i) >>> 8) * 2 ** -24;
  }
}

/** out[i] = random.uniform(first + i). The native and the TypeScript kernel give equal bits. */
export function fillUniform(random: CounterRandom, out: Float32Array, first = 0): void {
  requireUint32("fillUniform: first", first);
  kernels().fillUniform(random.coordinates as Uint32Array, first, out);
}

/** A permutation of 0..n-1, each equally likely: Fisher-Yates. It rejects draws that would cause a modulo bias. */
export function permutation(random: CounterRandom, n: number): Uint32Array {
  requireUint32("permutation: n", n);
  const order = Uint32Array.from({ length: n }, (_, index) => index);
  let draw = 0;
  for (let last = n - 1; last > 0; last -= 1) {
    const choices = last + 1;
    const limit = uint32Limit - (uint32Limit % choices);
    let value = random.uint32(draw++);
    while (value >= limit) value = random.uint32(draw++);
    const chosen = value % choices;
    const held = order[last] as number; // last < n
    order[last] = order[chosen] as number; // chosen <= last
    order[chosen] = held;
  }
  return order;
}

function requireUint32(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= uint32Limit) {
    throw new RangeError(`${what} ${value}: must be an integer from 0 to 2^32 - 1`);
  }
}
