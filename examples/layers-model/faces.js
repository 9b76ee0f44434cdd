// @ts-check
// A recipe whose model is written with tfjs-layers, the part of TensorFlow.js that resembles Keras.
import { fairfaceLabels } from "@lockstep/dataset";
import { layersRecipe } from "@lockstep/recipe";

export default layersRecipe({
  name: "layers-faces",
  labels: fairfaceLabels, // gender, race and ageBin
  options: { dropout: 0.3, units: 64 },
  augmentation: { flip: 0.5 },
  heads: {
    gender: { loss: "binaryCrossEntropy" },
    race: { loss: "crossEntropy", classWeights: "inverse-frequency" },
    ageGroup: { label: "ageBin", loss: "crossEntropy", weight: 0.5 },
  },
  build({ tfl, imageSize, options }) {
    const { layers } = tfl;
    const images = tfl.input({ shape: [imageSize, imageSize, 3] });
    /** @param {import("@tensorflow/tfjs-layers").layers.Layer[]} stack */
    const through = (...stack) => stack.reduce((x, layer) => /** @type {typeof images} */ (layer.apply(x)), images);
    const features = through(
      layers.conv2d({ filters: 16, kernelSize: 3, useBias: false, kernelInitializer: "heNormal" }),
      layers.batchNormalization({ momentum: 0.9 }), // the default, 0.99, is too slow for short runs
      layers.reLU(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 32, kernelSize: 3, strides: 2, activation: "relu", kernelInitializer: "heNormal" }),
      layers.flatten(),
      layers.dropout({ rate: options.dropout }), // Lockstep draws its random numbers
      layers.dense({ units: options.units, activation: "relu" }),
    );
    // One output for each head, with the head's name. It has no softmax, because the losses require logits.
    const head = (/** @type {string} */ name, /** @type {number} */ units) =>
      /** @type {typeof images} */ (layers.dense({ units, name }).apply(features));
    return tfl.model({ inputs: images, outputs: [head("gender", 1), head("race", 7), head("ageGroup", 9)] });
  },
});
