// fairfaceRecipe: the built-in recipe: the multitask CNN with the losses of its heads and the augmentation of its
// images.
import { ageMidpoints, fairfaceLabels } from "@lockstep/dataset";
import { defineRecipe } from "../define/define-recipe.js";
import type { HeadDeclaration } from "../heads/head.js";
import { fairfaceModel } from "./fairface-model.js";
import { checkImageSize, type FairfaceOptions, resolveFairfaceOptions } from "./options.js";

export const fairfaceRecipe = defineRecipe<FairfaceOptions>({
  name: "fairface",
  labels: fairfaceLabels,
  options: resolveFairfaceOptions,
  augmentation: ({ options }) => options.augmentation,
  heads: ({ options }) => fairfaceHeads(options),
  model(net, images_BHWC, { options, imageSize }) {
    checkImageSize(imageSize, options);
    return fairfaceModel(net, images_BHWC, options);
  },
});

/**
 * The losses are binary cross-entropy with logits, cross-entropy (weighted by class by default), and the absolute error
 * of years / 100.
 */
export function fairfaceHeads({ taskWeights, classWeights }: Pick<FairfaceOptions, "taskWeights" | "classWeights">) {
  return {
    gender: { loss: "binaryCrossEntropy", weight: taskWeights.gender },
    race: {
      loss: "crossEntropy",
      weight: taskWeights.race,
      ...(classWeights === "none" ? {} : { classWeights }),
    },
    age: {
      label: "ageBin",
      loss: "absoluteError",
      weight: taskWeights.age,
      unit: "years",
      scale: 100,
      classValues: ageMidpoints,
      /** Bins hold whole years lived: an age of 2.9 is in bin "0-2". */
      classEdges: [3, 10, 20, 30, 40, 50, 60, 70],
    },
  } satisfies Record<string, HeadDeclaration>;
}
