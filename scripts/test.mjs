// `npm test`: sets up the clone, then runs every test. Arguments select tests by their path: `npm test -- numerics
// cluster/kill`. Options are passed to Node's test runner: `npm test -- --test-name-pattern=tree`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { root, setup } from "./setup.mjs";
import { testFiles } from "./test-files.mjs";

const filters = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const runnerOptions = process.argv.slice(2).filter((argument) => argument.startsWith("-"));

await setup();
const files = testFiles(root).filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
if (files.length === 0) {
  console.error(`no test matches ${filters.join(", ")}`);
  process.exit(2);
}
// .ci/run sets LOCKSTEP_REQUIRE_TOOLS: it has installed every tool, so a skipped test is an error.
const skipsAreFailures = Boolean(process.env.LOCKSTEP_REQUIRE_TOOLS);
const folder = mkdtempSync(join(tmpdir(), "lockstep-tests-"));
const skipped = join(folder, "skipped.txt");
const reporters = ["spec", "stdout", join(root, "scripts", "skip-reporter.mjs"), skipped];
const { status, signal } = spawnSync(
  process.execPath,
  [
    "--enable-source-maps",
    "--test",
    // Node's default leaves one processor unused. Whole-system tests wait for other processes much of their time.
    `--test-concurrency=${Math.max(2, availableParallelism())}`,
    ...reporters.map((value, index) => `--test-reporter${index % 2 === 0 ? "" : "-destination"}=${value}`),
    ...runnerOptions,
    ...files,
  ],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = signal === null ? (status ?? 1) : 1;
const skips = existsSync(skipped) ? readFileSync(skipped, "utf8").trim() : "";
if (skipsAreFailures && skips !== "") {
  console.error(`tests were skipped, which LOCKSTEP_REQUIRE_TOOLS does not allow:\n${skips}`);
  process.exitCode = 1;
}
rmSync(folder, { recursive: true, force: true });
