// @ts-check
// A recipe for images of pets, with the species and the weight as labels.
import { defineRecipe } from "@lockstep/recipe";

export default defineRecipe({
  name: "pets",
  labels: {
    species: { classes: ["cat", "dog", "rabbit"] },
    weight: { column: "weight_kg", least: 0, greatest: 100 },
  },
  options: { filters: [8, 16], units: 32 },
  augmentation: { flip: 0.5, rotationDegrees: 5, cropArea: [0.9, 1], brightness: 0.1, contrast: 0.1 },
  heads: {
    species: { loss: "crossEntropy", classWeights: "inverse-frequency" },
    weight: { loss: smoothAbsoluteError, weight: 0.5, scale: 10, unit: "kg" },
  },
  metrics: {
    withinTwoKilograms: {
      unit: "fraction",
      value: ({ weight = [] }, labels) => (Math.abs(10 * (weight[0] ?? 0) - (labels["weight"] ?? 0)) <= 2 ? 1 : 0),
    },
  },
  model(net, images, { options }) {
    let x = images;
    options.filters.forEach((filters, i) => {
      x = net.conv(`conv${i + 1}`, x, { filters, bias: false });
      x = net.batchNormReluMaxPool(`norm${i + 1}`, x);
    });
    const features = net.relu(net.dense("dense", net.globalAveragePool(x), { units: options.units }));
    return {
      species: net.dense("species", features, { units: 3 }),
      weight: net.dense("weight", features, { units: 1 }),
    };
  },
});

/**
 * The recipe's own loss of one image, with its gradient (Huber, 1964).
 * @type {import("@lockstep/recipe").SampleLoss}
 */
function smoothAbsoluteError([output = 0], target) {
  const error = output - target;
  return Math.abs(error) < 1
    ? { loss: error ** 2 / 2, gradient: [error] }
    : { loss: Math.abs(error) - 0.5, gradient: [Math.sign(error)] };
}
