// tinyRecipe, tinyBatch and tinyLabels: a small problem for tests: noise images, labels of every class, a tiny network.
import { fairfaceLabels, type LabelTable } from "@lockstep/dataset";
import { CounterRandom, fillUniform, randomDomain } from "@lockstep/numerics";
import type { Engine } from "../engine/engine.js";
import { uploadWeights } from "../engine/upload-weights.js";
import type { MicroBatch, Recipe, TrainingResult, Weights } from "../recipe.js";
import { fairfaceRecipe } from "./fairface-recipe.js";

export const imageSize = 16;
export const silent = { info() {}, warn() {} };
export const plainOptions = { widths: [4, 8], denseUnits: 8, dropout: 0, augmentation: null };

export function tinyLabels(numSamples: number): LabelTable {
  const cycle = (length: number) => Uint8Array.from({ length: numSamples }, (_, i) => (5 * i) % length);
  return { schema: fairfaceLabels, numSamples, columns: { gender: cycle(2), race: cycle(7), ageBin: cycle(9) } };
}

export function tinyRecipe(options: Readonly<Record<string, unknown>>, numSamples: number): Recipe {
  return fairfaceRecipe.bind({
    options,
    imageSize,
    labels: tinyLabels(numSamples),
    // Only the first half, so that the class weights differ.
    trainingSamples: range(0, Math.ceil(numSamples / 2)),
  });
}

/** Samples `first` to `first + count - 1`. Each sample has other pixels. */
export function tinyBatch(first: number, count: number, key: Partial<MicroBatch["key"]> = {}): MicroBatch {
  const imageBytes = imageSize * imageSize * 3;
  const pixels_BHWC = new Uint8Array(count * imageBytes);
  const uniform = new Float32Array(imageBytes);
  for (let b = 0; b < count; b++) {
    fillUniform(new CounterRandom(1, randomDomain.synthetic, first + b), uniform);
    pixels_BHWC.set(
      uniform.map((value) => 256 * value),
      b * imageBytes,
    );
  }
  const samples = range(first, count);
  return { key: { seed: 7, epoch: 0, step: 0, microBatch: 0, ...key }, samples, positions: samples, pixels_BHWC };
}

export function uploaded(engine: Engine, recipe: Recipe, values: Readonly<Record<string, Float32Array>>): Weights {
  return uploadWeights(engine, recipe.tensors, ({ name }) => valuesNamed(values, name));
}

export function disposeAll(tensors: Weights): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}

export interface DownloadedResult {
  readonly sums: Float64Array;
  /** Gradients and statistics by name. */
  readonly values: Record<string, Float32Array>;
}

/** Returns the result as arrays and disposes its tensors. */
export function downloaded(engine: Engine, { gradients, statistics, sums }: TrainingResult): DownloadedResult {
  const values: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries({ ...gradients, ...statistics })) {
    const out = new Float32Array(tensor.size);
    engine.readInto(tensor, out);
    values[name] = out;
    tensor.dispose();
  }
  return { sums, values };
}

export function valuesNamed(values: Readonly<Record<string, Float32Array>>, name: string): Float32Array {
  const found = values[name];
  if (found === undefined) throw new Error(`no values named ${name}`);
  return found;
}

/** Runs one training pass with weights that are given as arrays. */
export function trainOnce(
  engine: Engine,
  recipe: Recipe,
  values: Readonly<Record<string, Float32Array>>,
  batch: MicroBatch,
): DownloadedResult {
  const weights = uploaded(engine, recipe, values);
  const result = downloaded(engine, recipe.train(engine.tf, weights, batch, recipe.passConstants(batch.samples)));
  disposeAll(weights);
  return result;
}

export function range(first: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => first + i);
}
