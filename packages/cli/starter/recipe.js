// @ts-check
// A recipe of your own: which labels the images have, the model, and what it is judged by. Try it:
//
//   lockstep recipe check ./my-recipe.js         are the rules kept that make any workers compute the same bits?
//   lockstep train --recipe ./my-recipe.js       on the embedded images; your own: --data FOLDER
//
// How it all fits together: docs/how-to/write-a-recipe.md
import { defineRecipe } from "@lockstep/recipe";

export default defineRecipe({
  name: "my-recipe",

  // What the data must say of each image, by a name of yours. `column`: what it is called in the data, where that differs.
  // Classes are stored by their place in the list; a number is `{}`, or `{ least: 0, greatest: 120 }`.
  labels: {
    gender: { classes: ["Male", "Female"] },
    ageBin: {
      column: "age",
      classes: ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"],
    },
  },

  // Defaults; change one for a run by `--recipe-options units=128`.
  options: { filters: [16, 32], units: 64, dropout: 0.3 },

  // Drawn for each image from (seed, epoch, position). What is left away keeps its default; null: none.
  augmentation: { flip: 0.5, rotationDegrees: 10, cropArea: [0.8, 1], brightness: 0.2, contrast: 0.2 },

  // What the model says, by head. Losses: binaryCrossEntropy (one logit), crossEntropy (a logit a class), absoluteError and
  // squaredError (a number), or a function of one image: (outputs, target) => ({ loss, gradient }).
  heads: {
    gender: { loss: "binaryCrossEntropy" },
    age: {
      label: "ageBin",
      loss: "absoluteError",
      weight: 2, // factor in the sum of the losses
      classValues: [1, 6, 14.5, 24.5, 34.5, 44.5, 54.5, 64.5, 75], // the number that stands for each class
      scale: 100, // the model says years / 100
      unit: "years",
    },
  },

  // Metrics of your own, besides accuracy, mean absolute error and the like: the mean of a value over the images.
  metrics: {
    withinTenYears: {
      unit: "fraction",
      value: ({ age = [] }, { ageBin = 0 }) => {
        const years = [1, 6, 14.5, 24.5, 34.5, 44.5, 54.5, 64.5, 75][ageBin] ?? 0;
        return Math.abs((age[0] ?? 0) * 100 - years) <= 10 ? 1 : 0;
      },
    },
  },

  // images: [images, height, width, 3], normalised. Layers have names, which name their weights in checkpoints. Any op of
  // TensorFlow.js may stand between them, as `net.tf.tanh(x)`; weights for it come from `net.parameter(name, shape)`.
  // Draw random numbers only by net.dropout: Math.random and tf.randomUniform differ from worker to worker.
  model(net, images, { options }) {
    let x = images;
    options.filters.forEach((filters, i) => {
      x = net.conv(`conv${i + 1}`, x, { filters, bias: false }); // no bias in front of a norm
      x = net.batchNormReluMaxPool(`norm${i + 1}`, x); // halves height and width
    });
    const features = net.relu(net.dense("dense", net.flatten(x), { units: options.units }));
    const kept = net.dropout(features, options.dropout);
    return {
      gender: net.dense("gender", kept, { units: 1 }),
      age: net.dense("age", kept, { units: 1 }),
    };
  },
});
