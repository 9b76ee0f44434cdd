// Owns which recipes there are.
import { UserError } from "@lockstep/errors";
import { fairfaceRecipe } from "./fairface/fairface-recipe.js";
import type { RecipeDefinition } from "./recipe.js";

const recipes: readonly RecipeDefinition[] = [fairfaceRecipe];

/** UserError when there is none of that name. */
export async function loadRecipe(name: string): Promise<RecipeDefinition> {
  const found = recipes.find((recipe) => recipe.name === name);
  if (found === undefined) {
    throw new UserError(`recipe ${name}: unknown; there are ${recipes.map((recipe) => recipe.name).join(", ")}`);
  }
  return found;
}
