// Owns the arrays that tests compare on: awkward floats, and their bits with all NaNs made one (a NaN's sign and
// payload are left open, see kernels.ts).
import { CounterRandom, randomDomain } from "./counter-random.js";

/** The floats where rounding, denormals and special values go wrong first. */
const edges = [0, -0, 1, -1, 1e-45, -1e-45, 1.17549435e-38, 1.1754942e-38, 3.4028235e38, -3.4028235e38];
const specials = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];

/** Any float32 bit pattern, with the edges and specials sown in. */
export function anyFloats(length: number, stream: number): Float32Array {
  const random = new CounterRandom(17, randomDomain.scheduling, stream);
  const bits = Uint32Array.from({ length }, (_, i) => random.uint32(i));
  const values = new Float32Array(bits.buffer);
  const sown = [...edges, ...specials];
  for (let i = 0; i < length; i += 7) values[i] = sown[random.uint32(length + i) % sown.length] ?? 0;
  return values;
}

/** Floats of either sign and of magnitudes from 2^-12 to 2^4: sums of them round at almost every addition. */
export function plainFloats(length: number, stream: number): Float32Array {
  const random = new CounterRandom(23, randomDomain.scheduling, stream);
  return Float32Array.from({ length }, (_, i) => {
    const sign = random.uint32(3 * i) % 2 === 0 ? 1 : -1;
    return sign * (1 + random.uniform(3 * i + 1)) * 2 ** ((random.uint32(3 * i + 2) % 16) - 12);
  });
}

export function bitsOf(values: Float32Array): Uint32Array {
  const bits = new Uint32Array(values.slice().buffer);
  return bits.map((word, i) => (Number.isNaN(values[i]) ? 0x7fc00000 : word));
}
