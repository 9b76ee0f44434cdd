// Owns reading a run's folder as the launcher prepared it: run.json and the checkpoint to go on from.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  CheckpointStore,
  type CheckpointStoreOptions,
  checkSpec,
  type LoadedCheckpoint,
  loadCheckpoint,
} from "@lockstep/checkpoint";
import { createPlan } from "@lockstep/dataset";
import { type Log, UserError } from "@lockstep/errors";
import { createLayout, type RunDescription, runDescription, type TensorLayout } from "@lockstep/protocol";
import type { Course } from "../core/course.js";

export interface PreparedRun {
  readonly run: RunDescription;
  readonly layout: TensorLayout;
  readonly course: Course;
  readonly store: CheckpointStore;
  readonly checkpoint: LoadedCheckpoint;
  /** Where it lies, and when it was written, Unix time in milliseconds. */
  readonly checkpointFile: { readonly path: string; readonly writtenAtMs: number };
}

/** @throws UserError when run.json is missing or broken, or no checkpoint verifies, or it is of another spec or model */
export async function readPreparedRun(
  out: string,
  options: { readonly store: CheckpointStoreOptions; readonly log: Log },
): Promise<PreparedRun> {
  const run = await readDescription(join(out, "run.json"));
  const layout = createLayout(run.tensors);
  const store = new CheckpointStore(join(out, "checkpoints"), options.store);
  await store.prepare();
  const { checkpoint: newest, skipped } = await store.newestValid();
  for (const { path, reason } of skipped) options.log.warn({ path }, `skipped a checkpoint: ${reason}`);
  if (newest === null) {
    throw new UserError(`${store.dir}: no checkpoint to start from; prepare the run anew with another --out`);
  }
  checkSpec(newest.manifest, run.spec);
  const checkpoint = await loadCheckpoint(newest);
  if (checkpoint.layout.sha256 !== layout.sha256) {
    throw new UserError(
      `${newest.path}: its tensors have layout ${checkpoint.layout.sha256}, those of run.json ${layout.sha256}; prepare the run anew with another --out`,
    );
  }
  const { mtimeMs: writtenAtMs } = await stat(join(newest.path, "manifest.json"));
  const checkpointFile = { path: newest.path, writtenAtMs };
  return { run, layout, course: courseOf(run), store, checkpoint, checkpointFile };
}

async function readDescription(path: string): Promise<RunDescription> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new UserError(`${path}: not there; lockstep train prepares it`);
    throw new UserError(`${path}: cannot be read: ${error.message}`, { cause: error });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${path}: not JSON; prepare the run anew with another --out`);
  }
  const parsed = runDescription.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(`${path}: ${issue?.path.join(".")}: ${issue?.message}; prepare the run anew with another --out`);
}

function courseOf({ spec }: RunDescription): Course {
  const { epochs, microBatch, globalBatch, seed, dataset } = spec;
  const { train: trainSamples, val: valSamples } = dataset.samples;
  const plan = createPlan({ trainSamples, valSamples, microBatch, globalBatch, epochs, seed });
  return {
    stepsPerEpoch: plan.stepsPerEpoch,
    totalSteps: plan.totalSteps,
    trainPass: (step) => plan.trainPass(step),
    validationPass: () => (valSamples === 0 ? null : plan.validationPass()),
  };
}
