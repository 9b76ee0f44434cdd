// findRecipe: resolves a recipe's reference to a built-in recipe, a file of the user, or the entry file of an installed
// package.
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { UserError } from "@lockstep/errors";
import { parseJson } from "@lockstep/files";
import { z } from "zod";

export type RecipeLocation =
  | { readonly kind: "built-in"; readonly name: string }
  | { readonly kind: "file"; readonly path: string };

const extensions = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];

/**
 * @param reference a built-in name, a path, or the name of a package, as the user gave it
 * @param folder the folder that relative paths and packages are resolved from
 * @throws UserError if there is no such recipe
 */
export function findRecipe(reference: string, builtIn: readonly string[], folder: string): RecipeLocation {
  if (builtIn.includes(reference)) return { kind: "built-in", name: reference };
  const path = resolve(folder, reference);
  const isPath = isAbsolute(reference) || /^\.{1,2}([\\/]|$)/.test(reference) || hasExtension(reference);
  if (isPath || (existsSync(path) && statSync(path).isFile()))
    return { kind: "file", path: checkedFile(reference, path) };
  const entry = packageEntry(reference, folder);
  if (entry !== null) return { kind: "file", path: entry };
  throw new UserError(
    `recipe ${reference}: is neither built in (${builtIn.join(", ")}) nor an installed package; for a file give its path, for example ./${reference}.js (--recipe)`,
  );
}

function checkedFile(reference: string, path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UserError(`recipe ${reference}: the file ${path} does not exist (--recipe)`);
  if (!stat.isFile())
    throw new UserError(`recipe ${reference}: is a folder; give the path of the file in it (--recipe)`);
  if (!hasExtension(path))
    throw new UserError(`recipe ${reference}: must be a JavaScript module with the extension .js or .mjs (--recipe)`);
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  if (/\.[mc]?ts$/.test(path) && !stripsTypes) {
    throw new UserError(
      `recipe ${reference}: Node ${process.versions.node} does not run TypeScript; compile it and give the path of the .js file, or use Node 22.18 or later`,
    );
  }
  return path;
}

function hasExtension(name: string): boolean {
  return extensions.some((extension) => name.endsWith(extension));
}

/** The file that `import` of the package would load; null if the package is not installed. */
function packageEntry(name: string, folder: string): string | null {
  if (!/^(@[\w.-]+\/)?[\w.-]+$/.test(name)) return null;
  for (let at = resolve(folder); ; at = dirname(at)) {
    const home = join(at, "node_modules", name);
    if (existsSync(join(home, "package.json"))) return entryOf(name, home);
    if (dirname(at) === at) return null;
  }
}

const description = z.looseObject({ exports: z.unknown() });

function entryOf(name: string, home: string): string {
  const path = join(home, "package.json");
  const { exports } = parseJson(readFileSync(path, "utf8"), description, {
    label: `recipe ${name}: ${path}`,
    remedy: "install the package again",
  });
  const root = isObject(exports) && "." in exports ? exports["."] : exports;
  const entry = conditional(root);
  if (entry !== null) return join(home, entry);
  try {
    return createRequire(path).resolve(home); // `main`, or index.js
  } catch (error) {
    throw new UserError(`recipe ${name}: the package at ${home} has no module to import`, { cause: error });
  }
}

function conditional(target: unknown): string | null {
  if (typeof target === "string") return target;
  if (!isObject(target)) return null;
  for (const condition of ["node", "import", "default"]) {
    const entry = conditional(target[condition]);
    if (entry !== null) return entry;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
