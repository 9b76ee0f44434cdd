// defineRecipe: makes the RecipeDefinition that Lockstep trains from a declaration whose model is written with Net. The
// built-in recipe is defined by it too.
//
// B batch, H height, W width, C channels, K outputs of a head
import { UserError } from "@lockstep/errors";
import type { Tensor4D } from "@tensorflow/tfjs-core";
import { assembleRecipe } from "../assemble-recipe.js";
import { createScoring } from "../heads/scoring.js";
import { type DrawMaps, drawMaps } from "../input/augmentation.js";
import { imagenetNormalisation } from "../input/network-input.js";
import type { HeadTensors, ModelPasses } from "../model/model-passes.js";
import type { Net } from "../model/net.js";
import { traceModel } from "../model/trace.js";
import type { RecipeDefinition } from "../recipe.js";
import {
  checkAugmentation,
  checkDeclaration,
  checkHeads,
  type DeclarationContext,
  labelSchemaOf,
  type RecipeDeclaration,
} from "./declaration.js";
import { type OptionValues, resolveByDefaults } from "./recipe-options.js";

export interface NetRecipeDeclaration<Options extends OptionValues> extends RecipeDeclaration<Options> {
  /**
   * The model's forward pass. It must be a pure function.
   * @param images_BHWC normalised images, B x H x W x 3
   * @returns the outputs of each head, B x K: logits of the classes, or one number
   */
  model(net: Net, images_BHWC: Tensor4D, context: DeclarationContext<Options>): HeadTensors;
}

/** @throws UserError that names each wrong field */
export function defineRecipe<Options extends OptionValues = Record<string, never>>(
  declaration: NetRecipeDeclaration<Options>,
): RecipeDefinition {
  checkDeclaration(declaration, ["model"]);
  return defineWith(declaration, (context) =>
    traceModel((net, images_BHWC) => declaration.model(net, images_BHWC, context), context),
  );
}

/**
 * Makes a RecipeDefinition for a model of any kind.
 * @param makeModel makes the model's passes; called when the recipe is bound, with the resolved options and the image
 *   size
 */
export function defineWith<Options extends OptionValues>(
  declaration: RecipeDeclaration<Options>,
  makeModel: (context: DeclarationContext<Options>) => ModelPasses,
): RecipeDefinition {
  const { name, metrics, normalisation = imagenetNormalisation, source } = declaration;
  const resolve = optionsOf(declaration);
  return {
    name,
    labels: labelSchemaOf(name, declaration.labels),
    ...(source === undefined ? {} : { source }),
    resolveOptions: resolve,
    bind({ options, imageSize, labels, trainingSamples }) {
      const context = { options: resolve(options), imageSize };
      const heads = checkHeads(name, valueIn(declaration.heads, context));
      return withRecipeName(name, () =>
        assembleRecipe({
          name,
          options: context.options,
          model: makeModel(context),
          scoring: createScoring({ heads, metrics, labels, trainingSamples }),
          input: { imageSize, normalisation, drawMaps: drawMapsOf(declaration, context) },
        }),
      );
    },
  };
}

function optionsOf<Options extends OptionValues>({
  name,
  options,
}: RecipeDeclaration<Options>): (given: OptionValues) => Options {
  if (typeof options === "function") return options;
  const defaults = options ?? ({} as Options); // without options, Options is empty
  return (given) => resolveByDefaults(name, defaults, given);
}

function drawMapsOf<Options extends OptionValues>(
  { name, augmentation }: RecipeDeclaration<Options>,
  context: DeclarationContext<Options>,
): DrawMaps | null {
  const settings = checkAugmentation(name, valueIn(augmentation, context));
  if (settings === null) return null;
  if ("draw" in settings) return settings.draw;
  return (random, imageSize) => drawMaps(random, settings, imageSize);
}

function valueIn<Value, Options>(
  value: Value | ((context: DeclarationContext<Options>) => Value),
  context: DeclarationContext<Options>,
): Value {
  return typeof value === "function" ? (value as (context: DeclarationContext<Options>) => Value)(context) : value;
}

/** Runs `work`, and adds the recipe's name to the UserErrors that it throws. */
function withRecipeName<Value>(recipe: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`recipe ${recipe}: ${error.message}`, { cause: error.cause });
  }
}
