// Makes arrays for tests (`anyFloats`, `plainFloats`), and returns their bits with `bitsOf`, in which all NaNs are equal: a NaN's
// sign and payload may differ (see kernels.ts).
import { CounterRandom, randomDomain } from "./counter-random.js";

/** Floats at which errors of rounding and of denormals show first. */
const edges = [0, -0, 1, -1, 1e-45, -1e-45, 1.17549435e-38, 1.1754942e-38, 3.4028235e38, -3.4028235e38];
const specials = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];

/** Random float32 bit patterns, with `edges` and `specials` among them. */
export function anyFloats(length: number, stream: number): Float32Array {
  const random = new CounterRandom(17, randomDomain.scheduling, stream);
  const bits = Uint32Array.from({ length }, (_, i) => random.uint32(i));
  const values = new Float32Array(bits.buffer);
  const inserted = [...edges, ...specials];
  for (let i = 0; i < length; i += 7) values[i] = inserted[random.uint32(length + i) % inserted.length] ?? 0;
  return values;
}

/** Floats of both signs with magnitudes from 2^-12 to 2^4. Almost every addition of them rounds. */
export function plainFloats(length: number, stream: number): Float32Array {
  const random = new CounterRandom(23, randomDomain.scheduling, stream);
  return Float32Array.from({ length }, (_, i) => {
    const sign = random.uint32(3 * i) % 2 === 0 ? 1 : -1;
    return sign * (1 + random.uniform(3 * i + 1)) * 2 ** ((random.uint32(3 * i + 2) % 16) - 12);
  });
}

/** The bits of each value; every NaN has the same bits. */
export function bitsOf(values: Float32Array): Uint32Array {
  const bits = new Uint32Array(values.slice().buffer);
  return bits.map((word, i) => (Number.isNaN(values[i]) ? 0x7fc00000 : word));
}
