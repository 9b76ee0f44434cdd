// CheckedRecipe: a bound recipe on an engine with its initial weights. The probes use it to run passes over chosen
// samples, and to get results as arrays that they can compare.
import type { LabelTable } from "@lockstep/dataset";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Engine } from "../engine/engine.js";
import { uploadWeights } from "../engine/upload-weights.js";
import type { EvaluationResult, MicroBatch, PassConstants, Recipe, RecipeDefinition, Weights } from "../recipe.js";

export interface CheckOptions {
  readonly definition: RecipeDefinition;
  /** The options as the user gave them, unresolved. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly engine: Engine;
  readonly imageSize: number;
  readonly labels: LabelTable;
  readonly trainingSamples: Uint32Array;
  /** At least 4 samples of the training part. */
  readonly samples: Uint32Array;
  /** The pixels of `samples`: B x H x W x 3. */
  readonly pixels_BHWC: Uint8Array;
  /** Folder of the recipe's file, used to name its lines in problems; null for a built-in recipe. */
  readonly folder: string | null;
}

export interface TrainedValues {
  readonly sums: Float64Array;
  /** Gradients and statistics by name. */
  readonly values: Readonly<Record<string, Float32Array>>;
}

export type WeightValues = Readonly<Record<string, Float32Array>>;

const seed = 7;

export class CheckedRecipe {
  readonly options: CheckOptions;
  readonly recipe: Recipe;
  readonly initial: WeightValues;

  constructor(options: CheckOptions) {
    this.options = options;
    this.recipe = this.bindAgain();
    this.initial = this.recipe.initialWeights(seed);
  }

  bindAgain(): Recipe {
    const { definition, options, imageSize, labels, trainingSamples } = this.options;
    return definition.bind({ options: definition.resolveOptions(options), imageSize, labels, trainingSamples });
  }

  initialWeightsOfNewBinding(): WeightValues {
    return this.bindAgain().initialWeights(seed);
  }

  get numSamples(): number {
    return this.options.samples.length;
  }

  /** The constants of a pass over all samples. */
  constants(): PassConstants {
    return this.recipe.passConstants(this.options.samples);
  }

  /** Samples `first` to `first + count - 1` as a micro-batch. */
  batch(first: number, count: number, key: Partial<MicroBatch["key"]> = {}): MicroBatch {
    const { samples, pixels_BHWC, imageSize } = this.options;
    const imageBytes = imageSize ** 2 * 3;
    return {
      key: { seed, epoch: 0, step: 0, microBatch: 0, ...key },
      samples: samples.slice(first, first + count),
      positions: Uint32Array.from({ length: count }, (_, b) => first + b),
      pixels_BHWC: pixels_BHWC.slice(first * imageBytes, (first + count) * imageBytes),
    };
  }

  train(batch: MicroBatch, weights: WeightValues = this.initial, recipe = this.recipe): TrainedValues {
    const { engine } = this.options;
    return this.#withWeights(weights, (uploaded) => {
      const { gradients, statistics, sums } = recipe.train(engine.tf, uploaded, batch, this.constants());
      const tensors = { ...gradients, ...statistics };
      try {
        const entries = Object.entries(tensors).map(([name, tensor]) => [name, this.#download(tensor)] as const);
        return { sums: sums.slice(), values: Object.fromEntries(entries) };
      } finally {
        for (const tensor of Object.values(tensors)) tensor.dispose();
      }
    });
  }

  evaluate(batch: MicroBatch): EvaluationResult {
    const { engine } = this.options;
    return this.#withWeights(this.initial, (weights) =>
      this.recipe.evaluate(engine.tf, weights, batch, this.constants()),
    );
  }

  /** The uploaded weights after a training pass, which must not change them. */
  weightsAfterTraining(batch: MicroBatch): WeightValues {
    const { engine } = this.options;
    return this.#withWeights(this.initial, (weights) => {
      const { gradients, statistics } = this.recipe.train(engine.tf, weights, batch, this.constants());
      for (const tensor of [...Object.values(gradients), ...Object.values(statistics)]) tensor.dispose();
      return Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, this.#download(tensor)]));
    });
  }

  lossOf({ sums }: { readonly sums: Float64Array }): number {
    return sums[this.recipe.sumNames.indexOf("loss")] ?? Number.NaN;
  }

  #withWeights<Value>(values: WeightValues, work: (weights: Weights) => Value): Value {
    const { engine } = this.options;
    const weights = uploadWeights(engine, this.recipe.tensors, ({ name }) => values[name] ?? new Float32Array(0));
    try {
      return work(weights);
    } finally {
      for (const tensor of Object.values(weights)) if (!tensor.isDisposed) tensor.dispose();
    }
  }

  #download(tensor: Tensor): Float32Array {
    const out = new Float32Array(tensor.size);
    this.options.engine.readInto(tensor, out);
    return out;
  }
}
