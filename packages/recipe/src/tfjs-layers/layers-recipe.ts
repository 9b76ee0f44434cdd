// layersRecipe: defines a recipe whose model is written with tfjs-layers, the part of TensorFlow.js that resembles
// Keras.
import { createRequire } from "node:module";
import { describeError, UserError } from "@lockstep/errors";
import type * as layersModule from "@tensorflow/tfjs-layers";
import { checkDeclaration, type DeclarationContext, type RecipeDeclaration } from "../define/declaration.js";
import { defineWith } from "../define/define-recipe.js";
import type { OptionValues } from "../define/recipe-options.js";
import type { ModelPasses } from "../model/model-passes.js";
import { ensureBackend } from "../model/trace.js";
import type { RecipeDefinition } from "../recipe.js";
import { layersPasses } from "./layers-passes.js";

export type Tfl = typeof layersModule;

export interface LayersRecipeDeclaration<Options extends OptionValues> extends RecipeDeclaration<Options> {
  /**
   * Builds the model. Its input is [imageSize, imageSize, 3]. It has one output for each head, from a layer of the
   * head's name. That layer has no activation if the head's loss requires logits.
   */
  build(context: DeclarationContext<Options> & { readonly tfl: Tfl }): layersModule.LayersModel;
}

const require = createRequire(import.meta.url);

/** @throws UserError that names each wrong field */
export function layersRecipe<Options extends OptionValues = Record<string, never>>(
  declaration: LayersRecipeDeclaration<Options>,
): RecipeDefinition {
  checkDeclaration(declaration, ["build"]);
  return defineWith(declaration, (context) => passesOf(declaration, context));
}

function passesOf<Options extends OptionValues>(
  { build }: LayersRecipeDeclaration<Options>,
  context: DeclarationContext<Options>,
): ModelPasses {
  ensureBackend();
  const tfl: Tfl = require("@tensorflow/tfjs-layers"); // loaded only here, because most runs do not need it
  let model: layersModule.LayersModel;
  try {
    model = build({ ...context, tfl });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`its build throws: ${describeError(error)}`, { cause: error });
  }
  if (!(model instanceof tfl.LayersModel)) {
    throw new UserError("its build returns no model; return tfl.sequential({ ... }) or tfl.model({ inputs, outputs })");
  }
  return layersPasses(model, context.imageSize);
}
