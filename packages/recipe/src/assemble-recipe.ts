// assembleRecipe: combines a model, its heads and its input to a Recipe, whose passes compute the forward and the
// backward pass of a micro-batch. A pass disposes every tensor that it does not return, also when it throws.
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
  /** Resolved options, which are part of the run spec. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly model: ModelPasses;
  readonly scoring: Scoring;
  /** Used as it is in training; an evaluation uses it without augmentation. */
  readonly input: InputOptions;
}

/** @throws UserError if the model's heads differ from the declared heads, or if the model has no parameters */
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
        // Does what tf.valueAndGrads does, but requireGradient names a parameter that has no gradient.
        const { grads } = tf.engine().gradients(() => lossOf(...parameters), parameters, undefined, true);
        return Object.fromEntries(parameterNames.map((name, i) => [name, requireGradient(name, grads[i])]));
      });
      if (sums === undefined) throw new Error("the training pass gave no scores");
      return { gradients, statistics, sums };
    } catch (error) {
      for (const statistic of Object.values(statistics)) statistic.dispose();
      disposeTape(tf);
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
 * The last node of the gradient tape: it downloads the heads' outputs, and uploads the gradients of the loss. Its value
 * is 0 and unused, because the losses are in the sums. It is the root of the tape, so the gradient of its value is 1.
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
  // dataSync of a float32 tensor returns a Float32Array.
  return Object.fromEntries(
    headNames.map((head) => [head, weightNamed(outputs, head).dataSync<"float32">() as Float32Array]),
  );
}

/**
 * Disposes the tensors that the gradient tape saved. TensorFlow.js would keep them forever after a training pass threw.
 */
function disposeTape(tf: Tf): void {
  const { state } = tf.engine();
  for (const { saved } of state.activeTape ?? []) {
    for (const tensor of saved ?? []) tensor.dispose();
  }
  state.activeTape = [];
}

function requireGradient(name: string, gradient: Tensor | null | undefined): Tensor {
  if (gradient) return gradient;
  throw new UserError(
    `parameter ${name}: has no gradient: no head depends on it, or an op between them has no gradient; use it or delete it`,
  );
}

function checkHeads({ widths, tensors }: ModelPasses, { heads }: Scoring): void {
  const declared = heads.map((head) => head.name);
  const missing = declared.find((head) => !(head in widths));
  if (missing !== undefined) throw new UserError(`head ${missing}: the model does not return it`);
  const undeclared = Object.keys(widths).find((head) => !declared.includes(head));
  if (undeclared !== undefined)
    throw new UserError(`head ${undeclared}: the model returns it, but "heads" does not declare it`);
  for (const { name, width } of heads) {
    if (widths[name] !== width) {
      throw new UserError(
        `head ${name}: the model returns ${widths[name]} outputs, its loss and label require ${width}`,
      );
    }
  }
  if (!tensors.some(({ kind }) => kind === "parameter")) throw new UserError("the model has no parameters to train");
}
