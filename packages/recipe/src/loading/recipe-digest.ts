// recipeDigest: computes the digest by which two copies of a recipe are compared. The code of a recipe decides on bits,
// so all workers need the same code. The digest covers
// - the recipe's file, and recursively the files that it names by relative path: imports, requires, and
//   `new URL(…, import.meta.url)`;
// - the package's name and version, if the file is in node_modules.
// It does not cover files that are imported by a package's name: the user's lock file decides their version.
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseJson } from "@lockstep/files";
import { z } from "zod";

/**
 * Returns the SHA-256 in hex. It is the same on every machine, because the files are named and sorted by their paths
 * relative to the entry. A symbolic link is replaced by its target, as Node does when it resolves the imports of a
 * file.
 * @param entry the path of the recipe's file
 * @throws UserError if the package.json of the recipe's package is broken
 */
export function recipeDigest(entry: string): string {
  const real = realpathSync(entry);
  const files = new Map([...filesOf(real)].map((path) => [nameRelativeTo(real, path), path]));
  const hash = createHash("sha256");
  for (const identity of packageIdentity(entry)) hash.update(`package ${identity}\n`);
  for (const [name, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`file ${name} ${digestOfFile(path)}\n`);
  }
  return hash.digest("hex");
}

function nameRelativeTo(entry: string, path: string): string {
  return relative(dirname(entry), path).split(sep).join("/");
}

/** Reads in pieces, because a file of weights may be larger than the largest buffer. */
function digestOfFile(path: string): string {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(2 ** 20);
  const file = openSync(path, "r");
  try {
    for (let size = readSync(file, piece); size > 0; size = readSync(file, piece)) hash.update(piece.subarray(0, size));
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}

function filesOf(entry: string): Set<string> {
  const found = new Set<string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    if (isCode(path)) open.push(...filesNamedIn(path));
  }
  return found;
}

function isCode(path: string): boolean {
  return ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"].includes(extname(path));
}

const gap = String.raw`(?:\s|/\*(?:[^*]|\*(?!/))*\*/)*`; // white space and comments
const quoted = "([\"'`])";
const imports = new RegExp(
  String.raw`(?:\bfrom|\bimport(?:${gap}\()?|\brequire${gap}\()${gap}${quoted}(\.{1,2}(?:/[^"'\`\n]*)?)\1`,
  "g",
);
const urls = new RegExp(
  String.raw`\bnew\s+URL${gap}\(${gap}${quoted}([^"'\`\n]+)\1${gap},${gap}import\.meta\.url\b`,
  "g",
);

/**
 * The real paths of the files that a file names. A name that is not the path of a file is ignored: it is in a comment
 * or a string, or in code that does not run. In any other place, the import of the recipe fails.
 */
function filesNamedIn(path: string): string[] {
  const code = readFileSync(path, "utf8");
  const named = [imports, urls].flatMap((pattern) => Array.from(code.matchAll(pattern), ([, , name = ""]) => name));
  return named.flatMap((name) => {
    const found = [urlPath(name, path), resolve(dirname(path), name)].map(fileAt).find((file) => file !== null);
    return found === undefined ? [] : [realpathSync(found)];
  });
}

/**
 * The path that `import` would load: `./a.js?x` and `./my%20file.js` name files too. Null if it is not the URL of a
 * file.
 */
function urlPath(name: string, importer: string): string | null {
  try {
    return fileURLToPath(new URL(name, pathToFileURL(importer)));
  } catch {
    return null;
  }
}

/** The file at the path. `require` allows a path without its extension. */
function fileAt(path: string | null): string | null {
  if (path === null) return null;
  const candidates = [path, `${path}.js`, `${path}.cjs`, `${path}.json`, join(path, "index.js")];
  return candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile()) ?? null;
}

const description = z.looseObject({ name: z.string().optional(), version: z.string().optional() });

/** `name@version` of the package that contains the file; empty if the file is not in node_modules. */
function packageIdentity(entry: string): string[] {
  const parts = entry.split(sep);
  const at = parts.lastIndexOf("node_modules");
  if (at < 0) return [];
  const length = parts[at + 1]?.startsWith("@") ? 3 : 2;
  const path = join(parts.slice(0, at + length).join(sep), "package.json");
  const { name, version } = parseJson(readFileSync(path, "utf8"), description, {
    label: path,
    remedy: "install the package again",
  });
  return [`${name}@${version}`];
}
