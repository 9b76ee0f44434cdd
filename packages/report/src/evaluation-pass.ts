// Runs the model over the images of a part (evaluationPass), in micro-batches of the run's size, each image once.
// Metric sums are added in the same reduction tree as in the validation pass of training, so that both give the same
// bits.
//
// B batch, H height, W width, C channels
import type { LoadedCheckpoint } from "@lockstep/checkpoint";
import { UserError } from "@lockstep/errors";
import { addInto, TreeSum } from "@lockstep/numerics";
import { type Engine, type EvaluationResult, type MicroBatch, type Recipe, uploadWeights } from "@lockstep/recipe";
import type { HeadPredictions } from "./head-result.js";

export interface EvaluationPassOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  readonly checkpoint: LoadedCheckpoint;
  readonly samples: Uint32Array;
  readonly pixels: { read(sample: number, into: Uint8Array, offset: number): Promise<void> };
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface PassResult {
  /** In the order of the recipe's sumNames. */
  readonly sums: Float64Array;
  /** By name of the head. */
  readonly predictions: Readonly<Record<string, HeadPredictions>>;
}

/** @throws UserError if a prediction or a sum is not finite, or if the recipe does not predict one of its heads */
export async function evaluationPass(pass: EvaluationPassOptions): Promise<PassResult> {
  const { engine, recipe, checkpoint, samples } = pass;
  const { microBatch } = checkpoint.manifest.runSpec;
  const { layout, weights: flat } = checkpoint;
  const weights = uploadWeights(engine, layout.tensors, ({ offset, size }) => flat.subarray(offset, offset + size));
  const constants = recipe.passConstants(samples);
  const total = new TreeSum<Float64Array>(Math.ceil(samples.length / microBatch), addInto);
  const results: EvaluationResult[] = [];
  try {
    for (let first = 0; first < samples.length; first += microBatch) {
      pass.signal?.throwIfAborted();
      const batch = await readBatch(pass, first, samples.subarray(first, first + microBatch));
      const result = recipe.evaluate(engine.tf, weights, batch, constants);
      checkFinite(result, first, checkpoint);
      results.push(result);
      total.add({ first: first / microBatch, count: 1 }, result.sums);
      pass.onProgress?.(first + batch.samples.length);
    }
  } finally {
    for (const weight of Object.values(weights)) weight.dispose();
  }
  const sums = total.root();
  if (sums === undefined) throw new Error(`micro-batches are missing in the sum: ${JSON.stringify(total.missing())}`);
  return { sums, predictions: Object.fromEntries(recipe.heads.map(({ name }) => [name, joined(results, name)])) };
}

function joined(results: readonly EvaluationResult[], head: string): HeadPredictions {
  const parts = results.map(({ predictions }) => {
    const part = predictions[head];
    if (part === undefined)
      throw new UserError(`the recipe returns no predictions for its head "${head}"; correct its evaluate()`);
    return part;
  });
  const values = new Float32Array(parts.reduce((length, part) => length + part.values.length, 0));
  let offset = 0;
  for (const part of parts) {
    values.set(part.values, offset);
    offset += part.values.length;
  }
  return { width: parts[0]?.width ?? 0, values };
}

function checkFinite({ sums, predictions }: EvaluationResult, first: number, { manifest }: LoadedCheckpoint): void {
  const all = [sums, ...Object.values(predictions).map(({ values }) => values)];
  if (all.every((values) => values.every(Number.isFinite))) return;
  throw new UserError(
    `the weights of step ${manifest.position.step} give predictions that are not finite in the micro-batch from image ${first} on: the training diverged; evaluate an earlier checkpoint`,
  );
}

async function readBatch(
  { checkpoint, pixels }: EvaluationPassOptions,
  first: number,
  samples: Uint32Array,
): Promise<MicroBatch> {
  const { imageSize, seed, microBatch } = checkpoint.manifest.runSpec;
  const imageBytes = imageSize * imageSize * 3;
  const pixels_BHWC = new Uint8Array(samples.length * imageBytes);
  await Promise.all(Array.from(samples, (sample, b) => pixels.read(sample, pixels_BHWC, b * imageBytes)));
  return {
    // Inference draws no random numbers.
    key: { seed, epoch: 0, step: 0, microBatch: first / microBatch },
    samples,
    positions: Uint32Array.from(samples, (_, b) => first + b),
    pixels_BHWC,
  };
}
