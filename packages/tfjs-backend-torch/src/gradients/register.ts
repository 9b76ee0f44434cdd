// Owns the registration of gradients with TensorFlow.js.
import { registerGradient } from "@tensorflow/tfjs-core";
import { binaryGradients } from "./binary.js";
import type { Gradients } from "./gradient.js";
import { layerGradients } from "./layer.js";
import { layoutGradients } from "./layout.js";
import { reductionGradients } from "./reduction.js";
import { unaryGradients } from "./unary.js";

export const allGradients: Gradients = {
  ...unaryGradients,
  ...binaryGradients,
  ...reductionGradients,
  ...layerGradients,
  ...layoutGradients,
};

let registered = false;

/**
 * Makes tf.grads and tf.variableGrads work for the kernels of this backend, on every backend of TensorFlow.js (the cpu
 * one too): Node cannot import @tensorflow/tfjs-core/dist/register_all_gradients. Needs no addon; later calls do nothing.
 */
export function registerGradients(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, config] of Object.entries(allGradients)) registerGradient({ kernelName, ...config });
}
