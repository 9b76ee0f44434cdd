// Owns what makes two copies of a recipe the same one: its code, which decides on bits. The digest covers the file, what it
// names by relative path (imports, requires, `new URL(…, import.meta.url)`), and so on; of a package its name and version too.
// What is imported by a package's name is left to the lock file of whoever installed it.
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * SHA-256 (hex). The same on every machine: files are named, and ordered, relative to the entry; where a path is a symbolic
 * link, as the file that it leads to, which is where Node looks for what that imports.
 */
export function recipeDigest(entry: string): string {
  const real = realpathSync(entry);
  const files = new Map([...filesOf(real)].map((path) => [nameBeside(real, path), path]));
  const hash = createHash("sha256");
  for (const identity of packageIdentity(entry)) hash.update(`package ${identity}\n`);
  for (const [name, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`file ${name} ${digestOfFile(path)}\n`);
  }
  return hash.digest("hex");
}

function nameBeside(entry: string, path: string): string {
  return relative(dirname(entry), path).split(sep).join("/");
}

/** Piece by piece: a file of weights may be larger than a buffer can be. */
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
 * Real paths. A name that leads to no file is passed over, not complained about: it stands in a comment or a string, or in
 * code that does not run, as importing the module fails for any other.
 */
function filesNamedIn(path: string): string[] {
  const code = readFileSync(path, "utf8");
  const named = [imports, urls].flatMap((pattern) => Array.from(code.matchAll(pattern), ([, , name = ""]) => name));
  return named.flatMap((name) => {
    const found = [urlPath(name, path), resolve(dirname(path), name)].map(fileAt).find((file) => file !== null);
    return found === undefined ? [] : [realpathSync(found)];
  });
}

/** What `import` makes of it: `./a.js?x` and `./my%20file.js` are files too. Null where it is no URL of a file. */
function urlPath(name: string, importer: string): string | null {
  try {
    return fileURLToPath(new URL(name, pathToFileURL(importer)));
  } catch {
    return null;
  }
}

/** `require` may leave the extension away. */
function fileAt(path: string | null): string | null {
  if (path === null) return null;
  const candidates = [path, `${path}.js`, `${path}.cjs`, `${path}.json`, join(path, "index.js")];
  return candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile()) ?? null;
}

function packageIdentity(entry: string): string[] {
  const parts = entry.split(sep);
  const at = parts.lastIndexOf("node_modules");
  if (at < 0) return [];
  const length = parts[at + 1]?.startsWith("@") ? 3 : 2;
  const description = join(parts.slice(0, at + length).join(sep), "package.json");
  const { name, version } = JSON.parse(readFileSync(description, "utf8")) as { name?: string; version?: string };
  return [`${name}@${version}`];
}
