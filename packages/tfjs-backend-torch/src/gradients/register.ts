// registerGradients: registers the gradients of all kernels with TensorFlow.js.
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
 * Makes tf.grads and tf.variableGrads work for the kernels of this backend, on every backend of TensorFlow.js including
 * cpu. Node cannot import TensorFlow.js' own (@tensorflow/tfjs-core/dist/register_all_gradients). Requires no addon.
 * Later calls do nothing.
 */
export function registerGradients(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, config] of Object.entries(allGradients)) registerGradient({ kernelName, ...config });
}
