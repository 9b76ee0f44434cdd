// Plays the simulation of one seed and checks its result: `playSeed`.
import assert from "node:assert/strict";
import { decodeFiles } from "@lockstep/checkpoint";
import { createPlan } from "@lockstep/dataset";
import type { RunSummary } from "@lockstep/protocol";
import { tinyRun } from "../prepared-folder.js";
import type { MemoryDisk } from "./memory-disk.js";
import { SimulatedRun } from "./simulated-run.js";

const tiny = tinyRun();
const { epochs, globalBatch, microBatch, seed, dataset } = tiny.run.spec;
const { train: trainSamples, val: valSamples } = dataset.samples;
const plan = createPlan({ trainSamples, valSamples, microBatch, globalBatch, epochs, seed });
const numValidation = plan.validationPass().numMicroBatches;

export interface Reference {
  readonly summary: RunSummary;
  /** By step. */
  readonly weightsSha256: ReadonlyMap<number, string>;
  readonly digests: ReadonlyMap<number, unknown>;
}

export async function playUndisturbed(): Promise<Reference> {
  const { disk, summary, violations } = await new SimulatedRun({ tiny, seed: 0, undisturbed: true }).play();
  assert.deepEqual(violations, []);
  const digests = disk.records("ledger.jsonl").map(({ step, weightsDigest }) => [Number(step), weightsDigest] as const);
  return { summary, weightsSha256: await weightsByStep(disk), digests: new Map(digests) };
}

async function weightsByStep(disk: MemoryDisk): Promise<Map<number, string>> {
  const bySteps = new Map<number, string>();
  for (const [step, { files }] of disk.checkpoints) {
    bySteps.set(step, (await decodeFiles(files, `step ${step}`)).manifest.weightsSha256);
  }
  return bySteps;
}

async function checkResult(result: RunSummary, disk: MemoryDisk, reference: Reference): Promise<void> {
  const { weightsSha256, validation, loss, samples, steps, epochs: epochsDone, exact } = result;
  const { summary: expected } = reference;
  assert.deepEqual(
    { weightsSha256, validation, loss, samples, steps, epochsDone, exact },
    {
      weightsSha256: expected.weightsSha256,
      validation: expected.validation,
      loss: expected.loss,
      samples: epochs * trainSamples,
      steps: plan.totalSteps,
      epochsDone: epochs,
      exact: true,
    },
  );
  for (const [step, sha256] of await weightsByStep(disk)) {
    assert.equal(sha256, reference.weightsSha256.get(step), `the checkpoint of step ${step}`);
  }
  let microBatches = epochs * numValidation;
  for (let step = 0; step < plan.totalSteps; step++) microBatches += plan.trainPass(step).numMicroBatches;
  assert.equal(
    result.microBatchesByWorker.reduce((a, b) => a + b, 0),
    microBatches,
    "each micro-batch counts once",
  );
}

/** For each step the record with the highest generation counts. */
function checkLedger(disk: MemoryDisk, { digests }: Reference): void {
  const counted = new Map<number, Record<string, unknown>>();
  const seen = new Set<string>();
  let generation = 0;
  for (const record of disk.records("ledger.jsonl")) {
    const step = Number(record["step"]);
    const key = `generation ${record["generation"]}, step ${step}`;
    assert.ok(!seen.has(key), `${key} is in the ledger twice`);
    seen.add(key);
    assert.ok(Number(record["generation"]) >= generation, `${key} comes after generation ${generation}`);
    generation = Number(record["generation"]);
    assert.equal(record["weightsDigest"], digests.get(step), key);
    counted.set(step, record);
  }
  for (let step = 0; step < plan.totalSteps; step++) {
    const record = counted.get(step + 1);
    assert.ok(record !== undefined, `the ledger lacks step ${step + 1}`);
    const leases = record["leases"] as { firstMicroBatch: number; count: number; digests: string[] }[];
    const pass = plan.trainPass(step);
    const expected = Array.from({ length: pass.numMicroBatches }, (_, index) => `d${index}`);
    assert.deepEqual(
      leases.flatMap((lease) => lease.digests),
      expected,
      `the micro-batches of step ${step + 1}`,
    );
    assert.equal(record["numSamples"], pass.numSamples);
  }
}

function checkMetrics(disk: MemoryDisk): void {
  const records = disk.records("metrics.jsonl");
  const steps = new Set(records.filter(({ type }) => type === "step").map(({ step }) => step));
  assert.equal(steps.size, plan.totalSteps);
  const validated = new Set(records.filter(({ type }) => type === "validation").map(({ epoch }) => epoch));
  assert.equal(validated.size, epochs);
}

export async function playSeed(of: number, reference: Reference): Promise<ReadonlyMap<string, number>> {
  try {
    const { disk, summary, faults, violations } = await new SimulatedRun({ tiny, seed: of }).play();
    assert.deepEqual(violations, []);
    assert.deepEqual(disk.checkpointsBeforeLedger, [], "the ledger is on the disk before a checkpoint");
    await checkResult(summary, disk, reference);
    checkLedger(disk, reference);
    checkMetrics(disk);
    return faults;
  } catch (error) {
    const again = `LOCKSTEP_SIMULATION_SEED=${of} node --test packages/coordinator/dist/simulation.test.js`;
    throw new Error(`seed ${of}: ${error instanceof Error ? error.message : error}\nplay it again: ${again}`, {
      cause: error,
    });
  }
}
