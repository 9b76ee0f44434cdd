// `npm run bench`: compares the training speed with PyTorch's DistributedDataParallel on gloo. Both run alternately,
// and the ratio is the median of the pairs. Run it on a machine that does nothing else.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, setup } from "./setup.mjs";

const { values: flags } = parseArgs({
  options: {
    pairs: { type: "string", default: "3" },
    steps: { type: "string", default: "60" },
    workers: { type: "string", default: "2" },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) {
  console.log("npm run bench -- [--pairs 3] [--steps 60] [--workers 2]");
  process.exit(0);
}

/** Settings of malloc that avoid page faults in a PyTorch step: with them PyTorch is fastest in float32. */
const tunedMalloc = {
  MALLOC_MMAP_THRESHOLD_: "4294967296",
  MALLOC_TRIM_THRESHOLD_: "4294967296",
  MALLOC_TOP_PAD_: "268435456",
};

const programs = [
  { name: "lockstep", run: runLockstep },
  { name: "PyTorch DDP, gloo", run: () => runPyTorch({}) },
  { name: "PyTorch DDP, gloo, malloc tuned", run: () => runPyTorch(tunedMalloc) },
];

await setup();
if (spawnSync("/usr/bin/python3", ["-c", "import torch"]).status !== 0) {
  console.error("bench: PyTorch is not installed for /usr/bin/python3: install the OS package python3-torch");
  process.exit(2);
}

const figures = programs.map(() => []);
for (let pair = 0; pair < Number(flags.pairs); pair++) {
  for (const [index, { name, run }] of programs.entries()) {
    const imagesPerSecond = run();
    figures[index].push(imagesPerSecond);
    console.error(`pair ${pair + 1}: ${name}: ${imagesPerSecond.toFixed(0)} images/s`);
  }
}

console.log(
  `\n${flags.workers} workers x 1 thread, 64x64, 32 images a worker and step, float32; medians of ${flags.pairs}`,
);
for (const [index, { name }] of programs.entries()) {
  const ratio = median(figures[0].map((own, pair) => own / figures[index][pair]));
  const note = index === 0 ? "" : `   lockstep is ${ratio.toFixed(2)}x`;
  console.log(`${name.padEnd(34)} ${median(figures[index]).toFixed(0).padStart(6)} images/s${note}`);
}

function runLockstep() {
  const out = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const workers = Number(flags.workers);
  try {
    const result = runJson(process.execPath, [
      ...[join(root, "packages/cli/bin/lockstep.js"), "train", "--data", "synthetic", "--image-size", "64", "--json"],
      ...[
        "--workers",
        String(workers),
        "--threads",
        "1",
        "--micro-batch",
        "32",
        "--global-batch",
        String(32 * workers),
      ],
      ...["--max-steps", flags.steps, "--seed", "7", "--out", join(out, "run")],
    ]);
    if (result.backend !== "torch") throw new Error(`bench: the backend was ${result.backend}, not torch`);
    return result.imagesPerSecond;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function runPyTorch(environment) {
  const script = join(root, "bench/peers/pytorch-ddp.py");
  const args = [script, "--workers", flags.workers, "--threads", "1", "--batch", "32", "--steps", flags.steps];
  return runJson("/usr/bin/python3", args, { OMP_NUM_THREADS: "1", ...environment }).imagesPerSecond;
}

function runJson(command, args, environment = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  if (status !== 0) throw new Error(`bench: ${command} ${args[0]} exited with ${status}\n${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
