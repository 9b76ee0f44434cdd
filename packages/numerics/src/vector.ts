// The public vector operations (`addInto`, `globalNorm`, ...). They check lengths and call the kernels in use. They work in place
// on the given arrays or subarrays, which may be in a SharedArrayBuffer. Native and TypeScript kernels give equal bits.
import { kernels } from "./native.js";

/** into[i] += from[i]. @throws Error if the arrays differ in type or length */
export function addInto(into: Float32Array, from: Float32Array): void;
export function addInto(into: Float64Array, from: Float64Array): void;
export function addInto(into: Float32Array | Float64Array, from: Float32Array | Float64Array): void {
  requireLength("addInto: from", from.length, into.length);
  if (into instanceof Float32Array && from instanceof Float32Array) kernels().addFloat32(into, from);
  else if (into instanceof Float64Array && from instanceof Float64Array) kernels().addFloat64(into, from);
  else throw new TypeError("addInto: both arrays must be Float32Array, or both Float64Array");
}

/** into[i] *= factor. When `into` is a Float32Array, the factor is rounded to float32 first. */
export function scaleInto(into: Float32Array | Float64Array, factor: number): void {
  if (into instanceof Float32Array) kernels().scaleFloat32(into, Math.fround(factor));
  else kernels().scaleFloat64(into, factor);
}

/** The L2 norm in double precision, added in a fixed order. It is NaN or Infinity when an element is. */
export function globalNorm(x: Float32Array): number {
  return Math.sqrt(kernels().sumOfSquares(x));
}

/** False when an element is NaN or infinite. */
export function allFinite(x: Float32Array): boolean {
  return kernels().allFinite(x);
}

/** The factor that clips a gradient of this norm to clipNorm, as in PyTorch: min(1, clipNorm / (norm + 1e-6)); 1 for null. */
export function clippingFactor(norm: number, clipNorm: number | null): number {
  return clipNorm === null ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
}

/**
 * running = (1 - momentum) * running + momentum * (sum / totalCount), element by element, each operation rounded to
 * float32.
 * @throws RangeError if lengths differ, or totalCount is not an integer from 1 to 2^24
 */
export function updateStatistics({
  running,
  sum,
  momentum,
  totalCount,
}: {
  /** Changed in place. */
  readonly running: Float32Array;
  /** Each micro-batch's statistic times its number of samples, added over the tree. */
  readonly sum: Float32Array;
  /** One for each element. */
  readonly momentum: Float32Array;
  /** Number of samples, 1 to 2^24. */
  readonly totalCount: number;
}): void {
  requireLength("updateStatistics: sum", sum.length, running.length);
  requireLength("updateStatistics: momentum", momentum.length, running.length);
  if (!Number.isInteger(totalCount) || totalCount < 1 || totalCount > 2 ** 24) {
    throw new RangeError(`updateStatistics: totalCount ${totalCount}: must be an integer from 1 to 2^24`);
  }
  kernels().updateStatistics(running, sum, momentum, totalCount);
}

/** @throws RangeError if the two lengths differ */
export function requireLength(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new RangeError(`${what} has ${actual} elements, not ${expected}`);
}
