// Chooses which recipe a run trains (recipeOf), from what is given and what the run's folder knows.
import type { OpenDatasetOptions } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { RunSpec } from "@lockstep/protocol";
import { defaultRecipe, type LoadedRecipe, loadRecipe, loadRunRecipe } from "@lockstep/recipe";
import { builtInSettings, type recipeSettings } from "./settings/declared/recipe.js";
import { flagOf, type Given, type Setting } from "./settings/setting.js";

type GivenRecipe = Given<typeof recipeSettings>;

/**
 * @param reference where the run had it when it was last started, if it goes on
 * @throws UserError for one that does not load, or flags of the built-in recipe for another
 */
export async function recipeOf(options: {
  readonly given: GivenRecipe;
  readonly former: RunSpec | null;
  readonly reference: string | null;
}): Promise<LoadedRecipe> {
  const { given, former, reference } = options;
  const recipe =
    given.recipe === undefined && former !== null
      ? await loadRunRecipe(former.recipe, reference ?? undefined)
      : await loadRecipe(given.recipe ?? defaultRecipe);
  if (recipe.sha256 !== null) refuseBuiltInFlags(given, recipe);
  return recipe;
}

/** What a data set is opened with for a recipe. */
export async function dataOfRecipe(
  reference: string = defaultRecipe,
): Promise<Pick<OpenDatasetOptions, "schema" | "source">> {
  const { labels: schema, source } = await loadRecipe(reference);
  return { schema, source };
}

/** The part of the run spec that says which recipe it is. */
export function recipeSpec(
  { name, sha256 }: LoadedRecipe,
  options: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly options: Readonly<Record<string, unknown>>; readonly sha256?: string } {
  return { name, options, ...(sha256 === null ? {} : { sha256 }) };
}

function refuseBuiltInFlags(given: GivenRecipe, recipe: LoadedRecipe): void {
  const stranger = Object.entries<Setting>(builtInSettings).find(
    ([name]) => given[name as keyof typeof builtInSettings] !== undefined, // the table's own names
  );
  if (stranger === undefined) return;
  const known = Object.keys(recipe.resolveOptions({}));
  const remedy =
    known.length === 0
      ? "which has no options"
      : `whose options ${known.join(", ")} are given by --recipe-options name=value`;
  throw new UserError(`${flagOf(...stranger)}: belongs to the built-in recipe, not to ${recipe.name}, ${remedy}`);
}
