// Defines `Kernels`, the functions that exist in TypeScript (reference-*.ts) and in C++ (native/kernels.h, the same names in the
// same order) and give equal bits: IEEE 754, round to nearest even, every float32 operation rounded separately, no fused
// multiply-add, no flush to zero. Only a NaN's sign and payload may differ. The public functions check shapes; kernels do not.

export interface Kernels {
  /** into[i] += from[i] */
  addFloat32(into: Float32Array, from: Float32Array): void;
  addFloat64(into: Float64Array, from: Float64Array): void;
  /** into[i] *= factor; the factor is a float32. */
  scaleFloat32(into: Float32Array, factor: number): void;
  scaleFloat64(into: Float64Array, factor: number): void;
  /** In double precision: lane i % 8 adds x[i]^2 in ascending i; the lanes are added as ((0+1)+(2+3))+((4+5)+(6+7)). */
  sumOfSquares(x: Float32Array): number;
  allFinite(x: Float32Array): boolean;
  /** running = (1 - momentum) * running + momentum * (sum / totalCount); totalCount is a float32. */
  updateStatistics(running: Float32Array, sum: Float32Array, momentum: Float32Array, totalCount: number): void;
  /** One update by Adam or AdamW. For the constants see adamConstantOrder. */
  adam(
    weights: Float32Array,
    gradient: Float32Array,
    firstMoment: Float32Array,
    secondMoment: Float32Array,
    constants: Float32Array,
  ): void;
  /** One update by SGD. For the constants see sgdConstantOrder. velocity is null without momentum. */
  sgd(weights: Float32Array, gradient: Float32Array, velocity: Float32Array | null, constants: Float32Array): void;
  /** out[i] = uniform draw first + i. coordinates are key 0, key 1 and counters 1, 2, 3. */
  fillUniform(coordinates: Uint32Array, first: number, out: Float32Array): void;
  /** See warp-images.ts. shape is batch, size, outSize; normalisation is mean r, g, b, then deviation r, g, b. */
  warpImages(
    pixels: Uint8Array,
    shape: Uint32Array,
    affine: Float32Array,
    colour: Float32Array,
    normalisation: Float32Array,
    out: Float32Array,
  ): void;
}

/** The order of adam's `constants`; native/kernels.h has the same. */
export const adamConstantOrder = [
  "gradientScale",
  "l2",
  "weightFactor",
  "beta1",
  "oneMinusBeta1",
  "beta2",
  "oneMinusBeta2",
  "rootCorrection2",
  "epsilon",
  "stepSize",
] as const;

/** The order of sgd's `constants`; native/kernels.h has the same. */
export const sgdConstantOrder = ["gradientScale", "l2", "momentum", "learningRate"] as const;
