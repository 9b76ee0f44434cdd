// Owns what makes two copies of a recipe the same one: its code, which decides on bits. The digest covers the file, what it
// imports by relative path, and so on; of a package its name and version too. What is imported by a package's name is left to
// the lock file of whoever installed it.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** SHA-256 (hex). The same on every machine: files are named, and ordered, relative to the entry. */
export function recipeDigest(entry: string): string {
  const files = new Map([...filesOf(entry)].map((path) => [nameBeside(entry, path), path]));
  const hash = createHash("sha256");
  for (const identity of packageIdentity(entry)) hash.update(`package ${identity}\n`);
  for (const [name, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`file ${name} ${createHash("sha256").update(readFileSync(path)).digest("hex")}\n`);
  }
  return hash.digest("hex");
}

function nameBeside(entry: string, path: string): string {
  return relative(dirname(entry), path).split(sep).join("/");
}

function filesOf(entry: string): Set<string> {
  const found = new Set<string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    if (path.endsWith(".json")) continue;
    for (const specifier of relativeImports(readFileSync(path, "utf8"))) {
      const imported = fileNamed(resolve(dirname(path), specifier));
      // A missing one is complained about by the import itself, or stood in a comment.
      if (imported !== null) open.push(imported);
    }
  }
  return found;
}

function relativeImports(code: string): string[] {
  const mentioned = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'`])(\.{1,2}\/[^"'`\n]+)\1/g;
  return Array.from(code.matchAll(mentioned), ([, , specifier = ""]) => specifier);
}

/** `require` may leave the extension away. */
function fileNamed(path: string): string | null {
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
