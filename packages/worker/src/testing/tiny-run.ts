// For tests: createTestBed() prepares a run that is small enough for the plain JavaScript backend, on the embedded data
// set, with a FakeCoordinator and any number of workers.
import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataset, splitDataset } from "@lockstep/dataset";
import { createLayout, type RunSpec } from "@lockstep/protocol";
import { type BackendName, describeEngines, loadRecipe, type PassConstants, type Recipe } from "@lockstep/recipe";
import { type Logger, pino } from "pino";
import { runWorker, type WorkerOptions, type WorkerOutcome } from "../run-worker.js";
import type { ThreadSetup } from "../thread-messages.js";
import { FakeCoordinator, type FakeRun } from "./fake-coordinator.js";

const dataOptions = { data: "synthetic:160" };
const seed = 7;

export interface TinyModel {
  readonly imageSize: number;
  readonly widths: number[];
  readonly microBatch: number;
}

const tinyModel: TinyModel = { imageSize: 16, widths: [4, 8], microBatch: 4 };

/** The number of micro-batches (V) of step 0. */
export const numMicroBatches = 5;

export interface TestBed {
  readonly run: FakeRun;
  readonly coordinator: FakeCoordinator;
  readonly threadSetup: ThreadSetup;
  /** The log lines of all workers, JSON. */
  readonly logged: readonly string[];
  constantsOf(samples: Uint32Array): PassConstants;
  /** Resolves to the first log line that contains the text. */
  waitForLog(text: string): Promise<string>;
  /** Creates a coordinator of generation 2 at the same address; the caller starts and stops it. */
  successor(changes?: Partial<RunSpec>): FakeCoordinator;
  /** Starts a worker; close() stops it. */
  startWorker(options?: Partial<WorkerOptions>): StartedWorker;
  close(): Promise<void>;
}

export interface StartedWorker {
  readonly outcome: Promise<WorkerOutcome>;
  /** Aborts the worker's signal, as SIGTERM does. */
  stop(reason: string): void;
}

/** The coordinator is not started yet. */
export async function createTestBed(model: TinyModel = tinyModel): Promise<TestBed> {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-worker-"));
  const cacheDir = join(folder, "cache");
  const address = `unix:${join(folder, "c.sock")}`;
  const logged: string[] = [];
  const logEvents = new EventEmitter();
  const log = pino(
    { level: "info" },
    {
      write(line: string) {
        logged.push(line);
        logEvents.emit("line");
      },
    },
  );
  const { run, recipe, threadSetup } = await tinyRun({ cacheDir, log, model });
  const coordinator = new FakeCoordinator(run, { address, generation: 1 });
  const workers: StartedWorker[] = [];
  return {
    run,
    coordinator,
    threadSetup,
    logged,
    constantsOf: (samples) => recipe.passConstants(samples),
    async waitForLog(text) {
      for (;;) {
        const line = logged.find((candidate) => candidate.includes(text));
        if (line !== undefined) return line;
        await once(logEvents, "line");
      }
    },
    successor: (changes = {}) =>
      new FakeCoordinator({ ...run, spec: { ...run.spec, ...changes } }, { address, generation: 2 }),
    startWorker(options = {}) {
      const controller = new AbortController();
      const defaults = { coordinator: address, dataOptions, cacheDir, backend: "cpu", threads: 1 } as const;
      const outcome = runWorker({ ...defaults, log, signal: controller.signal, ...options });
      outcome.catch(() => {}); // a test may await it
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

/** Returns false if this machine has the backend; else why a test of it is skipped. */
export async function whyMissing(backend: BackendName): Promise<string | false> {
  const found = (await describeEngines()).find((engine) => engine.backend === backend);
  if (found === undefined) throw new Error(`there is no backend ${backend}`);
  return found.available ? false : found.detail;
}

interface TinyRun {
  readonly run: FakeRun;
  readonly recipe: Recipe;
  readonly threadSetup: ThreadSetup;
}

async function tinyRun(options: { cacheDir: string; log: Logger; model: TinyModel }): Promise<TinyRun> {
  const { cacheDir, log, model } = options;
  const { imageSize, widths, microBatch } = model;
  const dataset = await openDataset({ ...dataOptions, cacheDir, log });
  const split = { split: "official", subset: 1 } as const;
  const parts = splitDataset(dataset, { ...split, seed, log });
  const definition = await loadRecipe("fairface");
  const recipeOptions = definition.resolveOptions({ widths, denseUnits: 8 });
  const bound = { imageSize, labels: dataset.labels, trainingSamples: parts.train };
  const recipe = definition.bind({ options: recipeOptions, ...bound });
  const layout = createLayout(recipe.tensors);
  const initial = recipe.initialWeights(seed);
  const weights = new Float32Array(layout.numElements);
  for (const { name, offset } of layout.tensors) weights.set(initial[name] ?? [], offset);
  const samples = { train: parts.train.length, val: parts.val.length, test: parts.test.length };
  const spec: RunSpec = {
    formatVersion: 2,
    dataset: { kind: dataset.kind, fingerprint: dataset.fingerprint, ...split, samples },
    imageSize,
    recipe: { name: recipe.name, options: JSON.parse(JSON.stringify(recipeOptions)) },
    optimizer: {
      name: "adam",
      learningRate: 1e-3,
      ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentum: 0, weightDecay: 0 },
      clipNorm: null,
    },
    schedule: { name: "constant", warmupSteps: 0, finalFraction: 1 },
    epochs: 2,
    microBatch,
    globalBatch: microBatch * numMicroBatches,
    seed,
    precision: "f32",
  };
  const threadSetup: ThreadSetup = { backend: "cpu", recipe: spec.recipe, recipeReference: "fairface", ...bound };
  return { run: { spec, layout, weights }, recipe, threadSetup };
}
