// Owns the FairFace recipe: puts options, tensors, input, network and scores together behind the Recipe interface.
//
// B batch, H height, W width, C channels, U dense units
import { fairfaceLabels, type LabelTable } from "@lockstep/dataset";
import { CounterRandom, fillUniform, randomDomain } from "@lockstep/numerics";
import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { abandonTape } from "../layers/differentiable.js";
import type {
  EvaluationResult,
  MicroBatch,
  PassConstants,
  Recipe,
  RecipeDefinition,
  Tf,
  TrainingResult,
  Weights,
} from "../recipe.js";
import { networkInput } from "./input.js";
import { headWidths, initialWeights, modelTensors } from "./model-tensors.js";
import { forwardInference, forwardTraining, type HeadTensors } from "./network.js";
import { checkImageSize, type FairfaceOptions, resolveFairfaceOptions } from "./options.js";
import {
  evaluatedHeads,
  type HeadValues,
  metrics,
  passConstants,
  raceWeights,
  score,
  sumNames,
  yearsPerUnit,
} from "./scores.js";

/** The dropout domain's third coordinate: the dense layer is the only one that drops. */
const dropoutLayer = 0;

export const fairfaceRecipe: RecipeDefinition = {
  name: "fairface",
  labels: fairfaceLabels,
  resolveOptions: resolveFairfaceOptions,
  bind({ options, imageSize, labels, trainingSamples }) {
    const resolved = resolveFairfaceOptions(options);
    checkImageSize(imageSize, resolved);
    return bindFairface(resolved, imageSize, labels, trainingSamples);
  },
};

function bindFairface(
  options: FairfaceOptions,
  imageSize: number,
  labels: LabelTable,
  trainingSamples: Uint32Array,
): Recipe {
  const tensors = modelTensors(options, imageSize);
  const parameterNames = tensors.filter(({ kind }) => kind === "parameter").map(({ name }) => name);
  const classWeights = raceWeights(labels, trainingSamples);
  const numBlocks = options.widths.length;

  const scoreOf = (outputs: HeadValues, batch: MicroBatch, constants: PassConstants) =>
    score(outputs, {
      labels,
      samples: batch.samples,
      constants,
      raceWeights: classWeights,
      taskWeights: options.taskWeights,
    });

  const imagesOf = (tf: Tf, batch: MicroBatch, augmentation: FairfaceOptions["augmentation"]): Tensor4D =>
    tf.tensor4d(networkInput(batch, imageSize, augmentation), [batch.samples.length, imageSize, imageSize, 3]);

  function train(tf: Tf, weights: Weights, batch: MicroBatch, constants: PassConstants): TrainingResult {
    const statistics: Record<string, Tensor> = {};
    let sums: Float64Array | undefined;
    try {
      const gradients = tf.tidy(() => {
        const images_BHWC = imagesOf(tf, batch, options.augmentation);
        const dropoutMask_BU = dropoutMask(tf, batch, options);
        const lossOf = (...parameters: Tensor[]): Tensor => {
          const onTape = { ...weights, ...Object.fromEntries(parameters.map((p, i) => [parameterNames[i], p])) };
          const outputsOnTape = forwardTraining(tf, onTape, images_BHWC, { numBlocks, dropoutMask_BU, statistics });
          return lossNode(tf, outputsOnTape, (outputs) => {
            const scores = scoreOf(outputs, batch, constants);
            sums = scores.sums;
            return scores.gradients;
          });
        };
        const { grads } = tf.valueAndGrads(lossOf)(parameterNames.map((name) => weightNamed(weights, name)));
        return Object.fromEntries(parameterNames.map((name, i) => [name, grads[i] as Tensor])); // One each, in order.
      });
      if (sums === undefined) throw new Error("the training pass gave no scores");
      return { gradients, statistics, sums };
    } catch (error) {
      for (const statistic of Object.values(statistics)) statistic.dispose();
      abandonTape(tf);
      throw error;
    }
  }

  function evaluate(tf: Tf, weights: Weights, batch: MicroBatch, constants: PassConstants): EvaluationResult {
    const outputs = tf.tidy(() => download(forwardInference(tf, weights, imagesOf(tf, batch, null), numBlocks)));
    return {
      sums: scoreOf(outputs, batch, constants).sums,
      predictions: {
        gender: { width: headWidths.gender, values: outputs.gender },
        race: { width: headWidths.race, values: outputs.race },
        age: { width: headWidths.age, values: outputs.age.map((age) => age * yearsPerUnit) },
      },
    };
  }

  return {
    name: fairfaceRecipe.name,
    options,
    tensors,
    sumNames,
    metrics,
    heads: evaluatedHeads,
    initialWeights: (seed) => initialWeights(options, imageSize, seed),
    passConstants: (samples) => passConstants(labels, classWeights, samples),
    train,
    evaluate,
  };
}

/**
 * The root of the tape: the heads' outputs leave the engine, their gradients come back. Its value says nothing (the losses
 * are in the sums), and as nothing stands above it, the gradient of its value is 1.
 */
function lossNode(
  tf: Tf,
  { gender, race, age }: HeadTensors,
  gradientsOf: (outputs: HeadValues) => HeadValues,
): Tensor {
  const node = tf.customGrad(() => {
    const gradients = gradientsOf(download({ gender, race, age }));
    const shapes = { gender: gender.shape, race: race.shape, age: age.shape };
    return {
      value: tf.scalar(0) as Tensor,
      gradFunc: () => [
        tf.tensor2d(gradients.gender, shapes.gender),
        tf.tensor2d(gradients.race, shapes.race),
        tf.tensor2d(gradients.age, shapes.age),
      ],
    };
  });
  return node(gender, race, age);
}

/** Inverted dropout's mask, B x U, drawn by (seed, step, micro-batch): 0 or 1 / (1 - rate). */
function dropoutMask(tf: Tf, { key, samples }: MicroBatch, { dropout, denseUnits }: FairfaceOptions): Tensor2D | null {
  if (dropout === 0) return null;
  const mask = new Float32Array(samples.length * denseUnits);
  fillUniform(new CounterRandom(key.seed, randomDomain.dropout, key.step, key.microBatch, dropoutLayer), mask);
  const kept = 1 / (1 - dropout);
  mask.forEach((uniform, i) => {
    mask[i] = uniform < dropout ? 0 : kept;
  });
  return tf.tensor2d(mask, [samples.length, denseUnits]);
}

function download({ gender, race, age }: HeadTensors): HeadValues {
  // float32 tensors read as Float32Array.
  const read = (tensor: Tensor2D) => tensor.dataSync<"float32">() as Float32Array;
  return { gender: read(gender), race: read(race), age: read(age) };
}

function weightNamed(weights: Weights, name: string): Tensor {
  const weight = weights[name];
  if (weight === undefined) throw new Error(`weights lack ${name}`);
  return weight;
}
