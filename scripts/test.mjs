// `npm test`: sets the clone up, then runs every test that is compiled and whose source still stands. Arguments filter by
// path: `npm test -- numerics cluster/kill`. Options go to Node's runner: `npm test -- --test-name-pattern=tree`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
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
// .ci/run sets this: it has installed every tool, so that a skipped test is a mistake.
const skipsAreFailures = Boolean(process.env.LOCKSTEP_REQUIRE_TOOLS);
const folder = mkdtempSync(join(tmpdir(), "lockstep-tests-"));
const skipped = join(folder, "skipped.txt");
const reporters = ["spec", "stdout", join(root, "scripts", "skip-reporter.mjs"), skipped];
const { status, signal } = spawnSync(
  process.execPath,
  [
    "--enable-source-maps",
    "--test",
    ...reporters.map((value, index) => `--test-reporter${index % 2 === 0 ? "" : "-destination"}=${value}`),
    ...runnerOptions,
    ...files,
  ],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = signal === null ? (status ?? 1) : 1;
const skips = existsSync(skipped) ? readFileSync(skipped, "utf8").trim() : "";
if (skipsAreFailures && skips !== "") {
  console.error(`tests were skipped, and LOCKSTEP_REQUIRE_TOOLS makes that a failure:\n${skips}`);
  process.exitCode = 1;
}
rmSync(folder, { recursive: true, force: true });

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
