// Owns the way to declare a recipe: from a short declaration to the RecipeDefinition that Lockstep trains. The built-in
// recipe goes the same way.
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
  /** images: B x H x W x 3, normalised. Returns the outputs of each head, B x K: logits of classes, or a number. */
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

/** @param makeModel of any kind, when the options and the image size are known */
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
      return naming(name, () =>
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

/** A user's mistake is told with the recipe's name. */
function naming<Value>(recipe: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`recipe ${recipe}: ${error.message}`, { cause: error.cause });
  }
}
