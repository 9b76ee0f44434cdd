// Owns the trial of a dry run: a few micro-batches forward and backward on the engine that a worker would load. It shows that
// the backend is there and fits, and what memory it takes, whatever the recipe is.
import { readFile } from "node:fs/promises";
import { describeError, UserError } from "@lockstep/errors";
import type { RunSpec } from "@lockstep/protocol";
import {
  type BackendChoice,
  type DeviceChoice,
  type Engine,
  loadEngine,
  type MicroBatch,
  uploadWeights,
} from "@lockstep/recipe";
import type { PlannedRun } from "../plan-run.js";

export interface Trial {
  readonly backend: string;
  readonly device: string;
  /** What the engine warned of while loading: what `auto` passed over, and how slow plain JavaScript is. */
  readonly warnings: readonly string[];
  /** Why the micro-batch could not be computed; null when it was, or was not tried. */
  readonly fault: string | null;
  /** Null where it was not tried: in plain JavaScript it can take minutes. */
  readonly memory: {
    /** Of a worker with one compute thread. */
    readonly workerBytes: number;
    /** What of it are libraries, which all workers share. */
    readonly sharedBytes: number;
    /** Of each further compute thread. */
    readonly threadBytes: number;
  } | null;
}

/** @throws UserError when the backend cannot be had */
export async function tryMicroBatch(
  run: PlannedRun,
  { backend, device }: { readonly backend: BackendChoice; readonly device: DeviceChoice },
): Promise<Trial> {
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (_: object, message: string) => void warnings.push(message) };
  const engine = await loadEngine({ backend, device, log });
  const found = { backend: engine.backend, device: engine.device, warnings };
  if (engine.backend === "cpu") return { ...found, fault: null, memory: null };
  const loadedBytes = process.memoryUsage.rss();
  try {
    compute(engine, run);
    // Backends pool what they have used: what is resident afterwards is the peak.
    const workerBytes = process.memoryUsage.rss();
    const threadBytes = Math.max(0, workerBytes - loadedBytes);
    return { ...found, fault: null, memory: { workerBytes, threadBytes, sharedBytes: await residentFileBytes() } };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return { ...found, fault: describeError(error), memory: null };
  } finally {
    engine.dispose();
  }
}

/** What a worker meets: whole micro-batches, the short one at an epoch's end, and validation. */
function compute(engine: Engine, { description, layout, recipe, trainingSamples, initialWeights }: PlannedRun): void {
  const { microBatch, globalBatch } = description.spec;
  const flat = initialWeights();
  const weights = uploadWeights(engine, layout.tensors, ({ offset, size }) => flat.subarray(offset, offset + size));
  const constants = recipe.passConstants(trainingSamples.slice(0, globalBatch));
  for (const numSamples of [microBatch, microBatch, Math.ceil(microBatch / 2)]) {
    const batch = blackImages(description.spec, trainingSamples.slice(0, numSamples));
    const { gradients, statistics } = recipe.train(engine.tf, weights, batch, constants);
    for (const tensor of Object.values(gradients)) {
      engine.readInto(tensor, new Float32Array(tensor.size)); // waits for the device
    }
    engine.tf.dispose([gradients, statistics]);
  }
  recipe.evaluate(engine.tf, weights, blackImages(description.spec, trainingSamples.slice(0, microBatch)), constants);
  engine.tf.dispose(weights);
}

function blackImages({ imageSize, seed }: RunSpec, samples: Uint32Array): MicroBatch {
  return {
    key: { seed, epoch: 0, step: 0, microBatch: 0 },
    samples,
    positions: Uint32Array.from(samples.keys()),
    pixels_BHWC: new Uint8Array(samples.length * imageSize ** 2 * 3),
  };
}

/** Pages of files that are mapped; 0 where the system does not tell. */
async function residentFileBytes(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  return 1024 * Number(/^RssFile:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
