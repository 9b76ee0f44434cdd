// `recipeOf` loads the recipe of a run: the given one, or that of the resumed run.
import type { OpenDatasetOptions } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { RunSpec } from "@lockstep/protocol";
import { defaultRecipe, type LoadedRecipe, loadRecipe, loadRunRecipe } from "@lockstep/recipe";
import { builtInSettings, type recipeSettings } from "./settings/declared/recipe.js";
import { flagOf, type Given, type Setting } from "./settings/setting.js";

type GivenRecipe = Given<typeof recipeSettings>;

/**
 * Options: `former` is the spec of the resumed run, `reference` the path of its recipe at its last start.
 * @throws UserError if the recipe cannot be loaded, or if flags of the built-in recipe are given for another one
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

/** @returns the options with which a recipe's data set is opened */
export async function dataOfRecipe(
  reference: string = defaultRecipe,
): Promise<Pick<OpenDatasetOptions, "schema" | "source">> {
  const { labels: schema, source } = await loadRecipe(reference);
  return { schema, source };
}

/** @returns the part of the run spec that names the recipe */
export function recipeSpec(
  { name, sha256 }: LoadedRecipe,
  options: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly options: Readonly<Record<string, unknown>>; readonly sha256?: string } {
  return { name, options, ...(sha256 === null ? {} : { sha256 }) };
}

function refuseBuiltInFlags(given: GivenRecipe, recipe: LoadedRecipe): void {
  const builtInFlag = Object.entries<Setting>(builtInSettings).find(
    ([name]) => given[name as keyof typeof builtInSettings] !== undefined, // the table's own names
  );
  if (builtInFlag === undefined) return;
  const known = Object.keys(recipe.resolveOptions({}));
  const remedy =
    known.length === 0
      ? "which has no options"
      : `whose options ${known.join(", ")} are given with --recipe-options name=value`;
  throw new UserError(`${flagOf(...builtInFlag)}: belongs to the built-in recipe, not to ${recipe.name}, ${remedy}`);
}
