// testFiles and affectedTests: list the test files of the repository, and those that a changed source file can affect.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { importsOf } from "./import-rules.mjs";

/**
 * Every compiled test whose source still exists, relative to `root`: first the packages in alphabetical order, then the
 * scripts, then the whole-system tests.
 */
export function testFiles(root) {
  return [
    ...readdirSync(join(root, "packages"))
      .sort()
      .flatMap((name) => compiledTests(root, join("packages", name, "src"), join("packages", name, "dist"))),
    ...filesUnder(root, "scripts").filter((file) => file.endsWith(".test.mjs")),
    ...compiledTests(root, "test", join("test", "dist")),
  ];
}

/**
 * The tests that import one of the changed files, directly or through other files of the same package. Tests of other
 * packages are left out, because most changes would select all of them.
 * @param changed paths of sources, relative to root
 * @returns paths of tests that can be run (compiled ones for TypeScript), relative to root
 */
export function affectedTests(root, changed) {
  const importers = importersByFile(root, changed);
  const seen = new Set(changed);
  for (const file of seen) for (const importer of importers.get(file) ?? []) seen.add(importer);
  return [...seen]
    .filter((file) => /\.test\.(ts|mjs)$/.test(file))
    .map(runnable)
    .filter((file) => existsSync(join(root, file)))
    .sort();
}

/** For each file the files that import it by a relative path. */
function importersByFile(root, changed) {
  const importers = new Map();
  const roots = new Set(changed.map((file) => sourceRootOf(file)));
  for (const file of [...roots].flatMap((folder) => filesUnder(root, folder))) {
    if (!/\.(ts|mjs)$/.test(file) || /(^|\/)(dist|node_modules)\//.test(file)) continue;
    for (const { specifier } of importsOf(readFileSync(join(root, file), "utf8"))) {
      if (!specifier.startsWith(".")) continue;
      const imported = join(dirname(file), specifier).replace(/\.js$/, ".ts");
      importers.set(imported, [...(importers.get(imported) ?? []), file]);
    }
  }
  return importers;
}

/** `packages/NAME/src`, `test` or `scripts`. */
function sourceRootOf(file) {
  const [first, second] = file.split("/");
  return first === "packages" ? join(first, second, "src") : first;
}

function runnable(file) {
  if (file.endsWith(".mjs")) return file;
  const compiled = file.replace(/\.ts$/, ".js");
  return compiled.startsWith("packages/")
    ? compiled.replace(/^(packages\/[^/]+)\/src\//, "$1/dist/")
    : compiled.replace(/^test\//, "test/dist/");
}

function compiledTests(root, source, output) {
  return filesUnder(root, output)
    .filter((file) => file.endsWith(".test.js"))
    .filter((file) => existsSync(join(root, source, relative(output, file).replace(/\.js$/, ".ts"))));
}

function filesUnder(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}
