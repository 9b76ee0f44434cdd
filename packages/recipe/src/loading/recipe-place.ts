// Owns where a recipe comes from: built in, a file of the user's, or an installed package.
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { UserError } from "@lockstep/errors";

export type RecipePlace =
  | { readonly kind: "built-in"; readonly name: string }
  | { readonly kind: "file"; readonly path: string };

const extensions = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];

/**
 * @param reference as the user gives it: a built-in name, a path, or a package's name
 * @param folder that paths and packages are looked for from
 * @throws UserError when there is nothing of that name
 */
export function findRecipe(reference: string, builtIn: readonly string[], folder: string): RecipePlace {
  if (builtIn.includes(reference)) return { kind: "built-in", name: reference };
  const path = resolve(folder, reference);
  const isPath = isAbsolute(reference) || /^\.{1,2}([\\/]|$)/.test(reference) || hasExtension(reference);
  if (isPath || (existsSync(path) && statSync(path).isFile()))
    return { kind: "file", path: checkedFile(reference, path) };
  const entry = packageEntry(reference, folder);
  if (entry !== null) return { kind: "file", path: entry };
  throw new UserError(
    `recipe ${reference}: is neither built in (${builtIn.join(", ")}), nor a package installed here; a file is named by its path, ./${reference}.js (--recipe)`,
  );
}

function checkedFile(reference: string, path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UserError(`recipe ${reference}: there is no such file at ${path} (--recipe)`);
  if (!stat.isFile()) throw new UserError(`recipe ${reference}: is a folder; name the file in it (--recipe)`);
  if (!hasExtension(path))
    throw new UserError(`recipe ${reference}: must be a JavaScript module, .js or .mjs (--recipe)`);
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  if (/\.[mc]?ts$/.test(path) && !stripsTypes) {
    throw new UserError(
      `recipe ${reference}: Node ${process.versions.node} does not run TypeScript; compile it and name the .js file, or use Node 22.18 or later`,
    );
  }
  return path;
}

function hasExtension(name: string): boolean {
  return extensions.some((extension) => name.endsWith(extension));
}

/** The file that `import` of the package would load; null where it is not installed. */
function packageEntry(name: string, folder: string): string | null {
  if (!/^(@[\w.-]+\/)?[\w.-]+$/.test(name)) return null;
  for (let at = resolve(folder); ; at = dirname(at)) {
    const home = join(at, "node_modules", name);
    if (existsSync(join(home, "package.json"))) return entryOf(name, home);
    if (dirname(at) === at) return null;
  }
}

function entryOf(name: string, home: string): string {
  const description = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { exports?: unknown };
  const { exports } = description;
  const root = isObject(exports) && "." in exports ? exports["."] : exports;
  const entry = conditional(root);
  if (entry !== null) return join(home, entry);
  try {
    return createRequire(join(home, "package.json")).resolve(home); // `main`, or index.js
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
