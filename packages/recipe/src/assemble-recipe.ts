// Owns putting a model, its heads and its input together behind the Recipe interface: the forward and backward pass of a
// micro-batch, without leaving a tensor behind.
//
// B batch, H height, W width, C channels, K outputs of a head
import { UserError } from "@lockstep/errors";
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { HeadValues, Scoring } from "./heads/scoring.js";
import { type InputOptions, networkInput } from "./input/network-input.js";
import { initialWeights } from "./model/initialiser.js";
import { type HeadTensors, type ModelPasses, weightNamed } from "./model/model-passes.js";
import type { EvaluationResult, MicroBatch, PassConstants, Recipe, Tf, TrainingResult, Weights } from "./recipe.js";

export interface RecipeParts {
  readonly name: string;
  /** Resolved. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly model: ModelPasses;
  readonly scoring: Scoring;
  /** In inference the images are not augmented. */
  readonly input: InputOptions;
}

/** @throws UserError where the model's heads are not those declared */
export function assembleRecipe({ name, options, model, scoring, input }: RecipeParts): Recipe {
  checkHeads(model, scoring);
  const parameterNames = model.tensors.filter(({ kind }) => kind === "parameter").map((tensor) => tensor.name);
  const headNames = scoring.heads.map((head) => head.name);

  const imagesOf = (tf: Tf, batch: MicroBatch, settings: InputOptions): Tensor4D =>
    tf.tensor4d(networkInput(batch, settings), [batch.samples.length, input.imageSize, input.imageSize, 3]);

  function train(
    tf: Tf,
    weights: Weights,
    batch: MicroBatch,
    constants: PassConstants,
    onForward?: () => void,
  ): TrainingResult {
    const statistics: Record<string, Tensor> = {};
    let sums: Float64Array | undefined;
    try {
      const gradients = tf.tidy(() => {
        const images_BHWC = imagesOf(tf, batch, input);
        const lossOf = (...parameters: Tensor[]): Tensor => {
          const onTape = { ...weights, ...Object.fromEntries(parameters.map((p, i) => [parameterNames[i], p])) };
          const outputsOnTape = model.forwardTraining(tf, onTape, images_BHWC, { key: batch.key, statistics });
          return lossNode(tf, headNames, outputsOnTape, (outputs) => {
            onForward?.();
            const scores = scoring.score(outputs, batch.samples, constants);
            sums = scores.sums;
            return scores.gradients;
          });
        };
        const parameters = parameterNames.map((name) => weightNamed(weights, name));
        // As tf.valueAndGrads, but a parameter without a gradient is named by gradientNamed.
        const { grads } = tf.engine().gradients(() => lossOf(...parameters), parameters, undefined, true);
        return Object.fromEntries(parameterNames.map((name, i) => [name, gradientNamed(name, grads[i])]));
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
    const outputs = tf.tidy(() => {
      const images_BHWC = imagesOf(tf, batch, { ...input, drawMaps: null });
      return download(headNames, model.forwardInference(tf, weights, images_BHWC));
    });
    return {
      sums: scoring.score(outputs, batch.samples, constants).sums,
      predictions: scoring.predictions(outputs),
    };
  }

  return {
    name,
    options,
    tensors: model.tensors.map(({ initialiser: _, ...tensor }) => tensor),
    sumNames: scoring.sumNames,
    metrics: scoring.metrics,
    heads: scoring.evaluatedHeads,
    initialWeights: (seed) => initialWeights(model.tensors, seed),
    passConstants: scoring.passConstants,
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
  headNames: readonly string[],
  outputs: HeadTensors,
  gradientsOf: (outputs: HeadValues) => HeadValues,
): Tensor {
  const tensors = headNames.map((head) => weightNamed(outputs, head));
  const node = tf.customGrad(() => {
    const gradients = gradientsOf(download(headNames, outputs));
    const shapes = tensors.map(({ shape }) => shape);
    return {
      value: tf.scalar(0) as Tensor,
      gradFunc: () => headNames.map((head, i) => tf.tensor(gradients[head] ?? [], shapes[i] ?? [], "float32")),
    };
  });
  return node(...tensors);
}

function download(headNames: readonly string[], outputs: HeadTensors): HeadValues {
  // float32 tensors read as Float32Array.
  return Object.fromEntries(
    headNames.map((head) => [head, weightNamed(outputs, head).dataSync<"float32">() as Float32Array]),
  );
}

/** After a training pass has thrown: frees what its tape holds, which TensorFlow.js would keep for ever. */
function abandonTape(tf: Tf): void {
  const { state } = tf.engine();
  for (const { saved } of state.activeTape ?? []) {
    for (const tensor of saved ?? []) tensor.dispose();
  }
  state.activeTape = [];
}

function gradientNamed(name: string, gradient: Tensor | null | undefined): Tensor {
  if (gradient) return gradient;
  throw new UserError(`parameter ${name}: no head depends on it, or by an op without a gradient; use it or delete it`);
}

function checkHeads({ widths, tensors }: ModelPasses, { heads }: Scoring): void {
  const declared = heads.map((head) => head.name);
  const lacking = declared.find((head) => !(head in widths));
  if (lacking !== undefined) throw new UserError(`head ${lacking}: the model does not return it`);
  const stranger = Object.keys(widths).find((head) => !declared.includes(head));
  if (stranger !== undefined)
    throw new UserError(`head ${stranger}: the model returns it, but heads does not declare it`);
  for (const { name, width } of heads) {
    if (widths[name] !== width) {
      throw new UserError(`head ${name}: the model gives ${widths[name]} outputs, its loss and label want ${width}`);
    }
  }
  if (!tensors.some(({ kind }) => kind === "parameter")) throw new UserError("the model has no parameters to train");
}
