// `recipeSettings` declares which recipe is trained and its options. Each option of the built-in recipe has a flag
// (`builtInSettings`). The recipe has the same defaults in its own code; a test compares them with these.
import type { z } from "zod";
import { recipePath } from "../../path-values.js";
import { type Setting, setting } from "../setting.js";
import { choice, listOf, onOff, recipeOptions, shareBelowOne, taskWeights, wholeNumber } from "../values.js";

/** @param name of the recipe's option */
function ofRecipe<Schema extends z.ZodType>(
  name: string,
  unit: string,
  help: string,
  schema: Schema,
  more: Pick<Setting, "toSpec" | "shown"> = {},
) {
  return setting(unit, help, schema, { spec: `recipe.options.${name}`, ...more });
}

/** A larger layer is a typing error. Without this limit it would be allocated while the model is built. */
const maxWidth = 1_000_000;

export const builtInSettings = {
  taskWeights: ofRecipe(
    "taskWeights",
    "list",
    "factor of each task's loss",
    taskWeights.default({ gender: 1, race: 1, age: 1 }),
    {
      toSpec: (weights: object, former) => ({ ...(former as object | undefined), ...weights }),
    },
  ),
  classWeights: ofRecipe(
    "classWeights",
    "kind",
    "class weights of the race loss: inverse-frequency or none",
    choice("inverse-frequency", "none").default("inverse-frequency"),
  ),
  widths: ofRecipe(
    "widths",
    "list",
    "output channels of each convolution block",
    listOf(wholeNumber(1, maxWidth)).default([32, 64, 128, 256]),
  ),
  denseUnits: ofRecipe("denseUnits", "count", "units of the dense layer", wholeNumber(1, maxWidth).default(512)),
  dropout: ofRecipe(
    "dropout",
    "share",
    "share of the dense units that dropout sets to zero",
    shareBelowOne().default(0.5),
  ),
  augmentation: ofRecipe("augmentation", "", "train on the images without random changes", onOff.default(true), {
    // Undefined means the recipe's own default.
    toSpec: (isOn: boolean, former) => (isOn ? (former ?? undefined) : null),
    shown: (former) => former !== null,
  }),
};

export const recipeSettings = {
  recipe: setting("file", "recipe: fairface, your own file (./mine.js), or a package", recipePath.default("fairface"), {
    spec: "recipe.name",
    toSpec: null,
  }),
  ...builtInSettings,
  recipeOptions: setting("list", "options of your own recipe: units=64,sizes=[8,16]", recipeOptions.optional(), {
    defaultText: "the recipe's",
    shown: (options) => Object.entries(options as object).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  }),
};
