// `npm test`: sets the clone up, then runs every test that is compiled and whose source still stands. Arguments filter by
// path: `npm test -- numerics cluster/kill`. Options go to Node's runner: `npm test -- --test-name-pattern=tree`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { root, setup } from "./setup.mjs";

const filters = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const runnerOptions = process.argv.slice(2).filter((argument) => argument.startsWith("-"));

await setup();
const files = testFiles().filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
if (files.length === 0) {
  console.error(`no test matches ${filters.join(", ")}`);
  process.exit(2);
}
// Small programs first: what is broken at the root is seen first. The whole-system tests take most of the time.
const { status, signal } = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--test", "--test-reporter=spec", ...runnerOptions, ...files],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = signal === null ? (status ?? 1) : 1;

/** Compiled tests, relative to the root: packages in order, then the scripts', then those of the whole system. */
function testFiles() {
  const packages = readdirSync(join(root, "packages")).sort();
  return [
    ...packages.flatMap((name) => compiledTests(join("packages", name, "src"), join("packages", name, "dist"))),
    ...filesUnder("scripts").filter((file) => file.endsWith(".test.mjs")),
    ...compiledTests("test", join("test", "dist")),
  ];
}

function compiledTests(source, output) {
  return filesUnder(output)
    .filter((file) => file.endsWith(".test.js"))
    .filter((file) => existsSync(join(root, source, relative(output, file).replace(/\.js$/, ".ts"))));
}

function filesUnder(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}
