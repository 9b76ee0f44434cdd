// `npm run dev`: watches the sources. When a file is saved, it compiles the changed code (TypeScript and C++) and runs
// the tests that the file can affect. Arguments limit it to paths that contain one of them: `npm run dev -- numerics`.
import { spawn, spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import process from "node:process";
import { watch } from "chokidar";
import { buildNative } from "./build-native.mjs";
import { findLibtorch } from "./libtorch.mjs";
import { root, setup } from "./setup.mjs";
import { affectedTests } from "./test-files.mjs";

/** An editor may write a file in several steps. Changes within this time are handled together. */
const settleMs = 150;
const folders = ["packages", "test", "scripts", "examples"];
const words = process.argv.slice(2);
const log = (line) => console.log(`dev: ${line}`);

await setup();
/** Paths relative to root that were saved and are not handled yet. */
const pending = new Set();
let timer = null;
let running = false;
watch(
  folders.map((folder) => join(root, folder)),
  { ignoreInitial: true, ignored: /\/(dist|build|node_modules|gen)(\/|$)/ },
)
  .on("all", (_, path) => note(relative(root, path)))
  .on("ready", () =>
    log(
      `watching ${folders.join(", ")}${words.length > 0 ? `, paths with ${words.join(" or ")}` : ""}; press Ctrl-C to end`,
    ),
  );

function note(path) {
  if (!/\.(ts|mjs|cc|h)$/.test(path) || (words.length > 0 && !words.some((word) => path.includes(word)))) return;
  pending.add(path);
  clearTimeout(timer);
  timer = setTimeout(handle, settleMs);
}

async function handle() {
  if (running) return;
  running = true;
  while (pending.size > 0) {
    const changed = [...pending].sort();
    pending.clear();
    await rebuildAndTest(changed);
  }
  running = false;
}

async function rebuildAndTest(changed) {
  log(changed.join(", "));
  const startMs = performance.now();
  if (
    changed.some((path) => /\.(cc|h)$/.test(path)) &&
    !buildNative({ libtorch: findLibtorch().libtorch, print: log })
  ) {
    return;
  }
  const compiled = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"], {
    cwd: root,
    stdio: "inherit",
  });
  if (compiled.status !== 0) return log("does not compile");
  const tests = testsFor(changed);
  const seconds = () => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  if (tests.length === 0) return log(`compiled in ${seconds()}; no test of the package imports it`);
  log(`compiled in ${seconds()}; running ${tests.length} test files`);
  const failed = await runTests(tests);
  log(`${failed ? "FAILED" : "passed"} in ${seconds()}`);
}

/** The tests that the changed files can affect. For a C++ source: the tests that import the addon's TypeScript. */
function testsFor(changed) {
  const native = changed.filter((path) => /\.(cc|h)$/.test(path)).map((path) => path.split("/").slice(0, 2).join("/"));
  return affectedTests(root, [
    ...changed.filter((path) => !/\.(cc|h)$/.test(path)),
    ...native.map((folder) => `${folder}/src/native.ts`),
    ...native.map((folder) => `${folder}/src/register.ts`),
  ]);
}

function runTests(tests) {
  const args = ["--enable-source-maps", "--test", "--test-reporter=dot", ...tests];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  return new Promise((resolve) => child.once("exit", (code) => resolve(code !== 0)));
}
