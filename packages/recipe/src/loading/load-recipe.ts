// loadRecipe and loadRunRecipe: load a recipe by its name, path or package, and check that a run's recipe is the same
// code on every machine.
import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { describeError, UserError } from "@lockstep/errors";
import { z } from "zod";
import { fairfaceRecipe } from "../fairface/fairface-recipe.js";
import type { RecipeDefinition } from "../recipe.js";
import { provideLockstepModules } from "./lockstep-modules.js";
import { recipeDigest } from "./recipe-digest.js";
import { findRecipe } from "./recipe-location.js";

const builtIn: readonly RecipeDefinition[] = [fairfaceRecipe];
export const defaultRecipe = fairfaceRecipe.name;

export interface LoadedRecipe extends RecipeDefinition {
  /**
   * The reference by which another process on this machine loads the same recipe: a built-in name, or an absolute path.
   */
  readonly reference: string;
  /** Digest of its code, hex; null if the recipe is built in. Part of the run spec. */
  readonly sha256: string | null;
}

/** The recipe in a run spec. */
export interface RunRecipe {
  readonly name: string;
  /** Absent if the recipe is built in. */
  readonly sha256?: string | undefined;
}

/**
 * @param reference a built-in name, the path of a file, or the name of an installed package
 * @param folder the folder that relative paths and packages are resolved from
 * @throws UserError if there is no such recipe, if its module cannot be loaded, or if its default export is not a
 *   recipe
 */
export async function loadRecipe(reference: string, folder = process.cwd()): Promise<LoadedRecipe> {
  const names = builtIn.map(({ name }) => name);
  const location = findRecipe(reference, names, folder);
  if (location.kind === "built-in") {
    const found = builtIn.find(({ name }) => name === location.name);
    if (found === undefined) throw new Error(`no built-in recipe ${location.name}`);
    return { ...found, reference: found.name, sha256: null };
  }
  const { path } = location;
  const { exports, sha256 } = await importFile(path);
  const definition = checkedDefinition(path, exports);
  if (names.includes(definition.name)) {
    throw new UserError(
      `recipe ${path}: its name "${definition.name}" is the name of a built-in recipe; choose another name`,
    );
  }
  return { ...definition, reference: path, sha256 };
}

/**
 * Loads the recipe of a run on this machine.
 * @param reference see loadRecipe; undefined if the user gave none
 * @throws UserError if its code differs from the run's, or if it is undefined and the run's recipe is not built in
 */
export async function loadRunRecipe(run: RunRecipe, reference: string | undefined): Promise<LoadedRecipe> {
  if (run.sha256 === undefined) {
    if (reference === undefined || reference === run.name) return loadRecipe(run.name);
    throw new UserError(`recipe ${reference}: the run's recipe is the built-in ${run.name}; remove --recipe`);
  }
  if (reference === undefined) {
    throw new UserError(
      `the run's recipe ${run.name} is not built in; give the path of the same file on this machine (--recipe)`,
    );
  }
  const loaded = await loadRecipe(reference);
  if (loaded.sha256 === run.sha256) return loaded;
  throw new UserError(
    `recipe ${reference}: its code has SHA-256 ${loaded.sha256 ?? "none (it is built in)"}, the code of the run's recipe ${run.name} has ${run.sha256}; copy the run's file to this machine, with the files that it imports (--recipe)`,
  );
}

interface ImportedFile {
  readonly exports: Record<string, unknown>;
  readonly sha256: string;
}

async function importFile(path: string): Promise<ImportedFile> {
  provideLockstepModules(path);
  try {
    const sha256 = recipeDigest(path); // before the code runs, which might change it
    return { exports: (await import(pathToFileURL(path).href)) as Record<string, unknown>, sha256 }; // a module's exports
  } catch (error) {
    const problem =
      error instanceof UserError ? error.message : `does not load: ${describeError(error)}${lineOf(error, path)}`;
    const remedy = /outside a module/.test(problem)
      ? '; rename it to .mjs, or set "type": "module" in its package.json'
      : "";
    throw new UserError(`recipe ${path}: ${problem}${remedy}`, { cause: error });
  }
}

const definitionSchema = z.looseObject({
  name: z.string(),
  labels: z.looseObject({ fields: z.array(z.unknown()) }),
  resolveOptions: z.custom((value) => typeof value === "function"),
  bind: z.custom((value) => typeof value === "function"),
});

function checkedDefinition(path: string, exports: Record<string, unknown>): RecipeDefinition {
  const { default: exported } = exports;
  if (exported === undefined) {
    throw new UserError(`recipe ${path}: has no default export; end it with: export default defineRecipe({ ... })`);
  }
  if (!definitionSchema.safeParse(exported).success) {
    throw new UserError(
      `recipe ${path}: its default export is not a recipe; export the result of defineRecipe or layersRecipe`,
    );
  }
  return exported as RecipeDefinition; // the fields were checked above; the types of its functions cannot be checked
}

/** For example ` (line 12)`; empty if the line is not known. */
function lineOf(error: unknown, path: string): string {
  // A module's SyntaxError has no line; `node --check` prints it.
  const text =
    error instanceof SyntaxError
      ? spawnSync(process.execPath, ["--check", path], { encoding: "utf8" }).stderr
      : error instanceof Error
        ? (error.stack ?? "")
        : "";
  const at = text.indexOf(path);
  const line = at < 0 ? undefined : /^:(\d+)/.exec(text.slice(at + path.length))?.[1];
  return line === undefined ? "" : ` (line ${line})`;
}
