// `npm run fuzz`: reads damaged label files, images and folders, by default with a new seed in each run. If one of them
// crashes the reader, hangs it or loses a row, it ends with an error, the seed and the smallest case.
import { parseArgs } from "node:util";
import { setup } from "./setup.mjs";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "10000" },
    images: { type: "string" },
    folders: { type: "string" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (flags.help) {
  console.log("npm run fuzz -- [--runs 10000] [--images RUNS/2] [--folders RUNS/50] [--seed N]");
  process.exit(0);
}

await setup();
const { fuzzLabelFiles } = await import("../packages/dataset/dist/testing/fuzz-label-files.js");
const { fuzzImages } = await import("../packages/dataset/dist/testing/fuzz-images.js");
const { fuzzFolders } = await import("../packages/dataset/dist/testing/fuzz-folders.js");

const runs = Number(flags.runs);
const seed = Number(flags.seed ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
for (const [what, fuzz, count] of [
  ["label files", fuzzLabelFiles, runs],
  ["images", fuzzImages, Number(flags.images ?? Math.ceil(runs / 2))],
  ["folders", fuzzFolders, Number(flags.folders ?? Math.ceil(runs / 50))],
]) {
  const startMs = performance.now();
  const counts = await fuzz({ runs: count, seed });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const text = Object.entries(counts).map(([name, value]) => `${name} ${value}`);
  console.log(`${count} ${what} in ${seconds} s: ${text.join(", ")}`);
}
