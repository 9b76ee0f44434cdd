// Owns which recipe a run trains, from what was said and what the run's folder knows, and which flags go with it.
import type { OpenDatasetOptions } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { RunSpec } from "@lockstep/protocol";
import { defaultRecipe, type LoadedRecipe, loadRecipe, loadRunRecipe } from "@lockstep/recipe";
import { type FlagName, flags } from "./flags.js";
import type { SpecFlags } from "./run-settings.js";

/** Options of the built-in recipe that have flags of their own. */
export const builtInFlags = [
  "widths",
  "denseUnits",
  "dropout",
  "taskWeights",
  "classWeights",
  "augmentation",
] as const satisfies readonly FlagName[];

/**
 * @param reference where the run had it when it was last started, if it goes on
 * @throws UserError for one that does not load, or flags that it does not know
 */
export async function recipeOf(options: {
  readonly given: SpecFlags;
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

/** What another `lockstep` must be told to load the same; nothing where it is built in. */
export function recipeArguments(reference: string | null): string[] {
  return reference === null ? [] : ["--recipe", reference];
}

function refuseBuiltInFlags(given: SpecFlags, recipe: LoadedRecipe): void {
  const stranger = builtInFlags.find((name) => given[name] !== undefined);
  if (stranger === undefined) return;
  const [spelling] = flags[stranger].usage.split(" ");
  const known = Object.keys(recipe.resolveOptions({}));
  const remedy =
    known.length === 0
      ? "which has no options"
      : `whose options ${known.join(", ")} are given by --recipe-options name=value`;
  throw new UserError(`${spelling}: belongs to the built-in recipe, not to ${recipe.name}, ${remedy}`);
}
