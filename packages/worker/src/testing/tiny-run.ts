// For tests: a run small enough for tfjs' plain JavaScript, on the embedded data set.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataset, splitDataset } from "@lockstep/dataset";
import { createLayout, type RunSpec } from "@lockstep/protocol";
import { recipeNamed } from "@lockstep/recipe";
import { type Logger, pino } from "pino";
import { runWorker, type WorkerOptions, type WorkerOutcome } from "../run-worker.js";
import { FakeCoordinator, type FakeRun } from "./fake-coordinator.js";

const data = "synthetic:80";
const imageSize = 16;
const seed = 7;

/** V of the tiny run's step 0. */
export const numMicroBatches = 5;

export interface TestBed {
  readonly run: FakeRun;
  readonly coordinator: FakeCoordinator;
  /** Messages that workers logged, with their fields. */
  readonly logged: string[];
  /** A coordinator of a later generation at the same address; the caller starts and stops it. */
  successor(changes?: Partial<RunSpec>): FakeCoordinator;
  /** Starts a worker that is stopped at the end. */
  startWorker(options?: Partial<WorkerOptions>): StartedWorker;
  close(): Promise<void>;
}

export interface StartedWorker {
  readonly outcome: Promise<WorkerOutcome>;
  /** As SIGTERM. */
  stop(reason: string): void;
}

/** The coordinator is not started yet. */
export async function createTestBed(): Promise<TestBed> {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-worker-"));
  const cacheDir = join(folder, "cache");
  const address = `unix:${join(folder, "c.sock")}`;
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  const run = await tinyRun(cacheDir, log);
  const coordinator = new FakeCoordinator(run, { address, generation: 1 });
  const workers: StartedWorker[] = [];
  return {
    run,
    coordinator,
    logged,
    successor: (changes = {}) =>
      new FakeCoordinator({ ...run, spec: { ...run.spec, ...changes } }, { address, generation: 2 }),
    startWorker(options = {}) {
      const controller = new AbortController();
      const defaults = { coordinator: address, data, cacheDir, backend: "cpu", threads: 1 } as const;
      const outcome = runWorker({ ...defaults, log, signal: controller.signal, ...options });
      outcome.catch(() => {}); // a test that cares awaits it
      const worker = { outcome, stop: (reason: string) => controller.abort(new Error(reason)) };
      workers.push(worker);
      return worker;
    },
    async close() {
      for (const worker of workers) worker.stop("the test is over");
      await Promise.allSettled(workers.map(({ outcome }) => outcome));
      await coordinator.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function tinyRun(cacheDir: string, log: Logger): Promise<FakeRun> {
  const dataset = await openDataset({ data, cacheDir, log });
  const split = { split: "official", subset: 1 } as const;
  const parts = splitDataset(dataset, { ...split, seed, log });
  const definition = recipeNamed("fairface");
  const options = definition.resolveOptions({ widths: [4, 8], denseUnits: 8 });
  const recipe = definition.bind({ options, imageSize, labels: dataset.labels, trainingSamples: parts.train });
  const layout = createLayout(recipe.tensors);
  const initial = recipe.initialWeights(seed);
  const weights = new Float32Array(layout.numElements);
  for (const { name, offset } of layout.tensors) weights.set(initial[name] ?? [], offset);
  const samples = { train: parts.train.length, val: parts.val.length, test: parts.test.length };
  const spec: RunSpec = {
    formatVersion: 1,
    dataset: { kind: dataset.kind, fingerprint: dataset.fingerprint, ...split, samples },
    imageSize,
    recipe: { name: recipe.name, options: JSON.parse(JSON.stringify(options)) },
    optimizer: {
      name: "adam",
      learningRate: 1e-3,
      ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentum: 0, weightDecay: 0 },
      clipNorm: null,
    },
    schedule: { name: "constant", warmupSteps: 0, finalFraction: 1 },
    epochs: 2,
    microBatch: 4,
    globalBatch: 4 * numMicroBatches,
    seed,
    precision: "f32",
  };
  return { spec, layout, weights };
}
