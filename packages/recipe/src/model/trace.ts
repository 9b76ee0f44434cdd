// traceModel: finds a model's tensors and the widths of its heads without an engine, by running it once over one blank
// image.
import { createRequire } from "node:module";
import { describeError, UserError } from "@lockstep/errors";
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { Tf, Weights } from "../recipe.js";
import type { InitialisedTensor } from "./initialiser.js";
import type { HeadTensors, ModelPasses } from "./model-passes.js";
import { type Net, type NetPass, ScopedNet } from "./net.js";

/**
 * A model: from images, B x H x W x 3, to outputs by head, B x K. It is called when the recipe is bound, and in every
 * pass.
 */
export type ModelFunction = (net: Net, images_BHWC: Tensor4D) => HeadTensors;

const require = createRequire(import.meta.url);

/** @throws UserError if the model throws, or if it does not return one B x K tensor for each head */
export function traceModel(model: ModelFunction, options: { readonly imageSize: number }): ModelPasses {
  const { imageSize } = options;
  ensureBackend();
  const tensors: InitialisedTensor[] = [];
  const run = (tf: Tf, images_BHWC: Tensor4D, pass: NetPass) => model(new ScopedNet(tf, pass), images_BHWC);
  const widths = tf.tidy(() => {
    const images_BHWC: Tensor4D = tf.zeros([1, imageSize, imageSize, 3]);
    return widthsOf(runModel(() => run(tf, images_BHWC, { kind: "trace", tensors })));
  });
  return {
    tensors,
    widths,
    forwardTraining: (tf: Tf, weights: Weights, images_BHWC, pass) =>
      run(tf, images_BHWC, { kind: "training", weights, ...pass }),
    forwardInference: (tf: Tf, weights: Weights, images_BHWC) => run(tf, images_BHWC, { kind: "inference", weights }),
  };
}

/**
 * Loads the backend in plain JavaScript if no engine is loaded. A recipe can be bound without one; the trace needs only
 * zeros.
 */
export function ensureBackend(): void {
  tf.enableProdMode();
  if (tf.getBackend()) return;
  require("@tensorflow/tfjs-backend-cpu"); // registers the backend
  tf.backend(); // makes it the current backend
}

function runModel(model: () => HeadTensors): HeadTensors {
  try {
    return model();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`its model throws: ${describeError(error)}`, { cause: error });
  }
}

function widthsOf(heads: unknown): Record<string, number> {
  if (heads === null || typeof heads !== "object") {
    throw new UserError(
      `its model returns ${String(heads)}; it must return the heads' outputs by name, { head: tensor }`,
    );
  }
  return Object.fromEntries(Object.entries(heads).map(([name, output]) => [name, widthOf(name, output)]));
}

function widthOf(head: string, output: unknown): number {
  if (!(output instanceof tf.Tensor)) throw new UserError(`head ${head}: the model returns no tensor for it`);
  const [B, K, ...more] = (output as Tensor).shape;
  if (B === 1 && K !== undefined && more.length === 0) return K;
  throw new UserError(
    `head ${head}: its outputs have the shape [${output.shape.join(", ")}]; they must be [images, outputs]`,
  );
}
