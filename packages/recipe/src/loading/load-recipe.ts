// Owns loading a recipe by what the user calls it, and that a run's recipe is the same code wherever it is loaded.
import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { describeError, UserError } from "@lockstep/errors";
import { z } from "zod";
import { fairfaceRecipe } from "../fairface/fairface-recipe.js";
import type { RecipeDefinition } from "../recipe.js";
import { provideLockstepModules } from "./lockstep-modules.js";
import { recipeDigest } from "./recipe-digest.js";
import { findRecipe } from "./recipe-place.js";

const builtIn: readonly RecipeDefinition[] = [fairfaceRecipe];
export const defaultRecipe = fairfaceRecipe.name;

export interface LoadedRecipe extends RecipeDefinition {
  /** What another process is told to load the same: a built-in's name, or an absolute path. */
  readonly reference: string;
  /** Of its code, hex; null where it is built in. Part of the run spec. */
  readonly sha256: string | null;
}

/** As a run spec has it. */
export interface RunRecipe {
  readonly name: string;
  /** Absent where it is built in. */
  readonly sha256?: string | undefined;
}

/**
 * @param reference a built-in's name, a file's path, or an installed package's name
 * @throws UserError in one line: nothing of that name, a module that does not load, or that exports no recipe
 */
export async function loadRecipe(reference: string, folder = process.cwd()): Promise<LoadedRecipe> {
  const names = builtIn.map(({ name }) => name);
  const place = findRecipe(reference, names, folder);
  if (place.kind === "built-in") {
    const found = builtIn.find(({ name }) => name === place.name);
    if (found === undefined) throw new Error(`no built-in recipe ${place.name}`);
    return { ...found, reference: found.name, sha256: null };
  }
  const { path } = place;
  const { exports, sha256 } = await importFile(path);
  const definition = checkedDefinition(path, exports);
  if (names.includes(definition.name)) {
    throw new UserError(`recipe ${path}: its name "${definition.name}" is a built-in recipe's; choose another`);
  }
  return { ...definition, reference: path, sha256 };
}

/**
 * The recipe of a run, on a machine that has it at `reference`.
 * @throws UserError when that is other code than the run's, or none is named though the run's is not built in
 */
export async function loadRunRecipe(run: RunRecipe, reference: string | undefined): Promise<LoadedRecipe> {
  if (run.sha256 === undefined) {
    if (reference === undefined || reference === run.name) return loadRecipe(run.name);
    throw new UserError(`recipe ${reference}: the run's is the built-in ${run.name}; leave --recipe away`);
  }
  if (reference === undefined) {
    throw new UserError(`the run's recipe ${run.name} is not built in; name the same file here (--recipe)`);
  }
  const loaded = await loadRecipe(reference);
  if (loaded.sha256 === run.sha256) return loaded;
  throw new UserError(
    `recipe ${reference}: its code has SHA-256 ${loaded.sha256 ?? "none, it is built in"}, that of the run's recipe ${run.name} ${run.sha256}; copy the run's file here, with what it imports (--recipe)`,
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
    const told =
      error instanceof UserError ? error.message : `does not load: ${describeError(error)}${placeIn(error, path)}`;
    const remedy = /outside a module/.test(told) ? '; name it .mjs, or say "type": "module" in its package.json' : "";
    throw new UserError(`recipe ${path}: ${told}${remedy}`, { cause: error });
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
      `recipe ${path}: its default export is no recipe; export what defineRecipe or layersRecipe gives`,
    );
  }
  return exported as RecipeDefinition; // has the fields, checked above; the functions' types are the file's to keep
}

/** ` (line 12)`, where that is known. */
function placeIn(error: unknown, path: string): string {
  // A module's syntax error keeps its place to itself; Node's own check says it.
  const told =
    error instanceof SyntaxError
      ? spawnSync(process.execPath, ["--check", path], { encoding: "utf8" }).stderr
      : error instanceof Error
        ? (error.stack ?? "")
        : "";
  const at = told.indexOf(path);
  const line = at < 0 ? undefined : /^:(\d+)/.exec(told.slice(at + path.length))?.[1];
  return line === undefined ? "" : ` (line ${line})`;
}
