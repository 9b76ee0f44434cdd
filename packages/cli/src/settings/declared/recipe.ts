// Declares which recipe is trained and its options (recipeSettings). The options of the built-in recipe have flags of
// their own (builtInSettings); the recipe fills in its defaults itself, so that a test compares them with these.
import type { z } from "zod";
import { recipePath } from "../../path-values.js";
import { type Setting, setting } from "../setting.js";
import { choice, listOf, onOff, recipeOptions, shareBelowOne, taskWeights, wholeNumber } from "../values.js";

/** @param name among the recipe's options */
function ofRecipe<Schema extends z.ZodType>(
  name: string,
  unit: string,
  help: string,
  schema: Schema,
  more: Pick<Setting, "toSpec" | "shown"> = {},
) {
  return setting(unit, help, schema, { spec: `recipe.options.${name}`, ...more });
}

/** A layer of more is a slip of the finger, and would be allocated while the model is read. */
const maxWidth = 1_000_000;

export const builtInSettings = {
  taskWeights: ofRecipe("taskWeights", "list", "losses' factors", taskWeights.default({ gender: 1, race: 1, age: 1 }), {
    toSpec: (weights: object, former) => ({ ...(former as object | undefined), ...weights }),
  }),
  classWeights: ofRecipe(
    "classWeights",
    "kind",
    "of the race loss: inverse-frequency or none",
    choice("inverse-frequency", "none").default("inverse-frequency"),
  ),
  widths: ofRecipe(
    "widths",
    "list",
    "channels of each block",
    listOf(wholeNumber(1, maxWidth)).default([32, 64, 128, 256]),
  ),
  denseUnits: ofRecipe("denseUnits", "count", "width of the dense layer", wholeNumber(1, maxWidth).default(512)),
  dropout: ofRecipe("dropout", "share", "share of dense units dropped", shareBelowOne().default(0.5)),
  augmentation: ofRecipe("augmentation", "", "train on the images as they are", onOff.default(true), {
    // Undefined: the recipe's own default.
    toSpec: (isOn: boolean, former) => (isOn ? (former ?? undefined) : null),
    shown: (former) => former !== null,
  }),
};

export const recipeSettings = {
  recipe: setting("file", "fairface, a file of yours (./mine.js), or a package", recipePath.default("fairface"), {
    spec: "recipe.name",
    toSpec: null,
  }),
  ...builtInSettings,
  recipeOptions: setting("list", "of a recipe of yours: units=64,sizes=[8,16]", recipeOptions.optional(), {
    defaultText: "its own",
    shown: (options) => Object.entries(options as object).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  }),
};
