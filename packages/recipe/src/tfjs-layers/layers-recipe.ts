// Owns declaring a recipe whose model is one of tfjs-layers, the Keras-like part of TensorFlow.js.
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
   * Input: [imageSize, imageSize, 3]. Outputs: one a head, by layers of the heads' names, with no activation where the
   * head's loss takes logits.
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
  const tfl: Tfl = require("@tensorflow/tfjs-layers"); // only here: most runs need none of it
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
