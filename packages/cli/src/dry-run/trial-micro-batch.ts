// `tryMicroBatch` computes a few micro-batches, forward and backward, on the engine that a worker would load. It checks that the
// backend is available and can compute the recipe, and measures the memory that this takes.
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
  /** Warnings of the engine while it was loaded: the backends that `auto` skipped, and that plain JavaScript is slow. */
  readonly warnings: readonly string[];
  /** Why the micro-batch could not be computed; null when it was, or was not tried. */
  readonly fault: string | null;
  /** Null if nothing was computed: in plain JavaScript it can take minutes. */
  readonly memory: {
    /** Memory of a worker with one compute thread. */
    readonly workerBytes: number;
    /** The part of it that is libraries, which all workers share. */
    readonly sharedBytes: number;
    /** Memory of each further compute thread. */
    readonly threadBytes: number;
  } | null;
}

/** @throws UserError if the backend is not available */
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
    // Backends keep the memory that they used in a pool, so the resident memory afterwards is the peak.
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

/** Computes what a worker does: full micro-batches, the short one at an epoch's end, and validation. */
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

/** @returns the resident bytes of mapped files; 0 if the system does not report them */
async function residentFileBytes(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  return 1024 * Number(/^RssFile:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
