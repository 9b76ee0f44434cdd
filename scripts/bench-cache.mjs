// `npm run bench:cache`: compares the speed of indexing and caching a FairFace folder with the same job by PIL in
// Python. Both run alternately, and the ratio is the median of the pairs. Run it on a machine that does nothing else.
//
// All programs read each image, hash it by SHA-256, decode, crop and resize it, and write its pixels into one file. PIL
// runs in one process and in one process for each core, with and without draft(), which scales in the JPEG decoder as
// libvips does by default. PIL's filter is bilinear, libvips' filter is Lanczos. Lockstep also reads its file back and
// verifies it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root, setup } from "./setup.mjs";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: resolve(root, "../shared/fairface") },
    images: { type: "string" },
    "image-size": { type: "string", default: "64" },
    pairs: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});
if (flags.help) {
  console.log("npm run bench:cache -- [--data ../shared/fairface] [--images ALL] [--image-size 64] [--pairs 3]");
  process.exit(0);
}

const python = "/usr/bin/python3";
const cores = availableParallelism();
await setup();
if (!existsSync(join(flags.data, "fairface_label_train.csv"))) {
  console.error(`bench: ${flags.data} is not a FairFace folder: it has no fairface_label_train.csv (--data)`);
  process.exit(2);
}
if (spawnSync(python, ["-c", "import PIL"]).status !== 0) {
  console.error("bench: PIL is not installed for /usr/bin/python3: install the OS package python3-pil");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
try {
  const data = flags.images === undefined ? flags.data : firstImages(Number(flags.images));
  const own = [process.execPath, join(root, "bench/index-and-cache.mjs"), data, flags["image-size"]];
  const peer = (processes, ...more) => [
    ...[python, join(root, "bench/peers/pil-cache.py"), "--data", data, "--image-size", flags["image-size"]],
    ...["--processes", String(processes), ...more],
  ];
  // Lockstep uses all cores that it may use, so taskset limits it to one. A PIL process uses only one.
  report("one core", [
    { name: "lockstep", command: ["taskset", "-c", "0", ...own] },
    { name: "PIL", command: peer(1) },
    { name: "PIL, draft", command: peer(1, "--draft") },
  ]);
  report(`${cores} cores`, [
    { name: "lockstep", command: own },
    { name: `PIL, ${cores} processes`, command: peer(cores) },
    { name: `PIL, ${cores} processes, draft`, command: peer(cores, "--draft") },
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function report(title, programs) {
  const runs = programs.map(() => []);
  runJson(programs[0].command); // loads the images into the page cache
  for (let pair = 0; pair < Number(flags.pairs); pair++) {
    for (const [index, { name, command }] of programs.entries()) {
      const run = runJson(command);
      runs[index].push(run);
      console.error(`${title}, pair ${pair + 1}: ${name}: ${run.imagesPerSecond.toFixed(0)} images/s`);
    }
  }
  const [{ images }] = runs[0];
  console.log(
    `\n${title}: ${images} images at ${flags["image-size"]}x${flags["image-size"]}; medians of ${flags.pairs}`,
  );
  for (const [index, { name }] of programs.entries()) {
    const speed = median(runs[index].map(({ imagesPerSecond }) => imagesPerSecond));
    const peak = median(runs[index].map(({ peakMebibytes }) => peakMebibytes));
    const ratio = median(runs[0].map((run, pair) => run.imagesPerSecond / runs[index][pair].imagesPerSecond));
    const note = index === 0 ? partsOf(runs[0]) : `lockstep is ${ratio.toFixed(2)}x`;
    console.log(
      `${name.padEnd(26)} ${speed.toFixed(0).padStart(6)} images/s ${peak.toFixed(0).padStart(5)} MiB   ${note}`,
    );
  }
}

function partsOf(runs) {
  const part = (name) => `${median(runs.map((run) => run[name])).toFixed(1)} s`;
  return `indexing ${part("indexingSeconds")}, caching ${part("cachingSeconds")}`;
}

/** Runs a program that prints JSON. The speed is measured over the whole process, including its start. */
function runJson([command, ...args]) {
  const startMs = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  const seconds = (performance.now() - startMs) / 1000;
  if (status !== 0) throw new Error(`bench: ${command} ${args[0]} exited with ${status}\n${stderr}`);
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  return { ...result, imagesPerSecond: result.images / seconds };
}

/**
 * A folder with the first `count - 1` rows of the training part, one row of the other part, and links to the images.
 */
function firstImages(count) {
  for (const [part, rows] of [
    ["train", count - 1],
    ["val", 1],
  ]) {
    const lines = readFileSync(join(flags.data, `fairface_label_${part}.csv`), "utf8").split(/\r?\n/);
    writeFileSync(join(folder, `fairface_label_${part}.csv`), lines.slice(0, rows + 1).join("\n"));
    symlinkSync(resolve(flags.data, part), join(folder, part));
  }
  return folder;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
