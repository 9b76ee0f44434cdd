// `npm run demo`: sets up the clone, trains the multitask CNN on the embedded data set with a coordinator and two
// workers, evaluates it on images that were not used for training, and prints the folder of the run.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root, setup } from "./setup.mjs";

const { hasTorch } = await setup();
const out = join("runs", freeName());

// Without libtorch an image takes a thousand times longer, so the demo trains a tiny network on few images.
const settings = hasTorch
  ? ["--image-size", "48", "--epochs", "5", "--lr", "1e-3", "--schedule", "cosine", "--warmup-steps", "20"]
  : ["--data", "synthetic:200", "--image-size", "16", "--epochs", "1", "--widths", "4,8", "--dense-units", "16"];

lockstep([
  "train",
  "--data",
  "synthetic",
  "--workers",
  "2",
  "--threads",
  "1",
  "--seed",
  "7",
  ...settings,
  "--out",
  out,
]);
const report = JSON.parse(lockstep(["evaluate", out, "--json"], "pipe"));

console.log(`\nOn ${report.samples} images that were not used for training (in brackets: the best constant guess):`);
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const years = (value) => `${value.toFixed(1)} years`;
const { gender, race, age } = report.heads;
row("gender accuracy", percent(gender.accuracy), percent(gender.floor.accuracy));
row("race accuracy", percent(race.accuracy), percent(race.floor.accuracy));
row("age error (MAE)", years(age.mae), years(age.floor.mae));
console.log(`\nThe run, its checkpoints and its summary are in ${out}.`);
console.log(`The whole report:  npx lockstep evaluate ${out}`);

function row(name, value, floor) {
  console.log(`  ${name.padEnd(18)} ${value.padStart(12)}   (${floor})`);
}

/** The first name of demo-1, demo-2, ... that does not exist in runs/. */
function freeName() {
  for (let number = 1; ; number++) {
    if (!existsSync(join(root, "runs", `demo-${number}`))) return `demo-${number}`;
  }
}

/** Runs a lockstep command. If it fails, exits with its exit code. */
function lockstep(args, stdout = "inherit") {
  const command = join(root, "packages", "cli", "bin", "lockstep.js");
  const finished = spawnSync(process.execPath, [command, ...args], {
    cwd: root,
    stdio: ["inherit", stdout, "inherit"],
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (finished.status !== 0) process.exit(finished.status ?? 1);
  return finished.stdout;
}
