// Runs tfjs-core's own specs (dist/tests.js) on the torch backend, and compares the failures with skips.json. A spec
// that fails must be listed there with a reason, and a listed spec must fail. The last line of stdout is the counts as
// JSON.
//
//   node conformance/run.mjs              prints the differences; exit code 0 if there are none, else 1
//   node conformance/run.mjs --list       prints a new skips.json; a reason that cannot be determined is "unknown"
import { readFileSync } from "node:fs";
import { createRequire, register } from "node:module";

register("./esm-hooks.mjs", import.meta.url);

// tfjs-core's jasmine_util uses CommonJS' require, and sets a time-out in a file that only an older jasmine has.
const require = createRequire(import.meta.url);
globalThis.require = Object.assign(
  (name) => (name === "jasmine-core/lib/jasmine-core/jasmine.js" ? { core: () => ({}) } : require(name)),
  { resolve: require.resolve },
);
// Warnings of tfjs and deprecations of jasmine on the console are not part of the report.
const print = process.stdout.write.bind(process.stdout);
for (const method of ["log", "warn", "error", "info"]) console[method] = () => {};
const jasmineCore = require("jasmine-core");
jasmineCore.installGlobals(globalThis);
const environment = globalThis.jasmine.getEnv();
environment.configure({ random: false, forbidDuplicateNames: false });
// Specs of random ops test statistics, so every run must draw the same numbers.
let randomState = 1;
Math.random = () => {
  randomState = (Math.imul(randomState, 1664525) + 1013904223) >>> 0;
  return randomState / 2 ** 32;
};
globalThis.jasmine.DEFAULT_TIMEOUT_INTERVAL = 20_000;

const { setTestEnvs } = await import("@tensorflow/tfjs-core/dist/jasmine_util.js");
await import("@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js");
const { registerTorchBackend } = await import("../dist/index.js");
await registerTorchBackend({ device: "cpu" });
setTestEnvs([{ name: "torch", backendName: "torch", isDataSync: true }]);
await import("@tensorflow/tfjs-core/dist/tests.js");

/** From a spec's full name to its failure; undefined if it passed. */
const outcomes = new Map();
environment.clearReporters();
environment.addReporter({
  specDone(result) {
    if (result.status === "passed") outcomes.set(result.fullName, outcomes.get(result.fullName));
    else if (result.status === "failed") {
      outcomes.set(result.fullName, result.failedExpectations.map(({ message }) => message).join(" | ") || "failed");
    }
  },
});
await environment.execute();

if (process.argv.includes("--list")) print(`${JSON.stringify(newList(), null, 2)}\n`);
else report();
process.exit();

/** In skips.json, each reason has a list of full names; "PREFIX*" means all specs whose names begin with PREFIX. */
function report() {
  const skips = JSON.parse(readFileSync(new URL("./skips.json", import.meta.url), "utf8"));
  const listed = new Map();
  const stale = [];
  for (const [reason, names] of Object.entries(skips)) {
    for (const name of names) {
      const covered = name.endsWith("*")
        ? [...outcomes.keys()].filter((full) => full.startsWith(name.slice(0, -1)))
        : [...outcomes.keys()].filter((full) => full === name);
      if (covered.length === 0) stale.push(name);
      for (const full of covered) listed.set(full, reason);
    }
  }
  const failed = [...outcomes].filter(([, failure]) => failure !== undefined);
  const unexpected = failed.filter(([name]) => !listed.has(name));
  const passing = [...listed.keys()].filter((name) => outcomes.get(name) === undefined);
  for (const [name, failure] of unexpected) print(`FAILED  ${name}\n        ${failure.slice(0, 300)}\n`);
  for (const name of passing) print(`PASSES although skips.json lists it (${listed.get(name)}): ${name}\n`);
  for (const name of stale) print(`NO SUCH SPEC, listed in skips.json: ${name}\n`);
  const counts = {
    specs: outcomes.size,
    passed: outcomes.size - failed.length,
    skipped: failed.length - unexpected.length,
    unexpectedFailures: unexpected.length,
    unexpectedPasses: passing.length,
    unknownNames: stale.length,
  };
  print(`${JSON.stringify(counts)}\n`);
  process.exitCode = unexpected.length + passing.length + stale.length > 0 || outcomes.size === 0 ? 1 : 0;
}

/** Groups failures by reason. A suite becomes one prefix if all of its specs fail for the same reason. */
function newList() {
  const reasons = new Map();
  const suites = new Map();
  for (const [name, failure] of outcomes) {
    const suite = /^(.*? torch \{\} ).+/.exec(name)?.[1] ?? null;
    const reason = failure === undefined ? undefined : reasonOf(failure);
    if (suite) suites.set(suite, [...(suites.get(suite) ?? []), { name, reason }]);
    else if (reason) add(reason, name);
  }
  for (const [suite, specs] of suites) {
    const [first] = specs;
    if (first.reason && specs.every(({ reason }) => reason === first.reason)) add(first.reason, `${suite}*`);
    else for (const { name, reason } of specs) if (reason) add(reason, name);
  }
  return Object.fromEntries([...reasons].sort());

  function add(reason, name) {
    reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
}

function reasonOf(failure) {
  const kernel = /Kernel '(\w+)' not registered|find registered kernel '(\w+)'/.exec(failure);
  if (kernel) return `kernel ${kernel[1] ?? kernel[2]} is not implemented`;
  const dtype = /dtype (\w+) is not supported/.exec(failure);
  if (dtype) return `dtype ${dtype[1]} is refused`;
  return `unknown: ${failure.slice(0, 200)}`;
}
