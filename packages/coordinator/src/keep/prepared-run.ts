// Reads the folder of a prepared run: `readPreparedRun` returns the content of run.json and the newest sound
// checkpoint.
import { checkSpec } from "@lockstep/checkpoint";
import { createPlan } from "@lockstep/dataset";
import { type Log, UserError } from "@lockstep/errors";
import { parseJson } from "@lockstep/files";
import { createLayout, type RunDescription, runDescription, type TensorLayout } from "@lockstep/protocol";
import type { RunPlan } from "../core/run-plan.js";
import type { RunFolder, StoredCheckpoint } from "./run-folder.js";

export interface PreparedRun {
  readonly run: RunDescription;
  readonly layout: TensorLayout;
  readonly plan: RunPlan;
  readonly checkpoint: StoredCheckpoint;
}

/**
 * @throws UserError if run.json is missing or invalid, no checkpoint verifies, or the checkpoint has another spec or
 * layout
 */
export async function readPreparedRun(folder: RunFolder, log: Log): Promise<PreparedRun> {
  const run = await readDescription(folder);
  const layout = createLayout(run.tensors);
  const { checkpoint, skipped } = await folder.checkpoints.loadNewest();
  for (const { path, reason } of skipped) log.warn({ path }, `skipped a checkpoint: ${reason}`);
  if (checkpoint === null) {
    throw new UserError(
      `${folder.checkpoints.path}: no checkpoint to start from; prepare the run again with another --out`,
    );
  }
  checkSpec(checkpoint.manifest, run.spec);
  if (checkpoint.layout.sha256 !== layout.sha256) {
    throw new UserError(
      `${checkpoint.path}: its tensors have layout ${checkpoint.layout.sha256}, and those of run.json have ${layout.sha256}; prepare the run again with another --out`,
    );
  }
  return { run, layout, plan: planOf(run), checkpoint };
}

async function readDescription(folder: RunFolder): Promise<RunDescription> {
  const label = `${folder.path}/run.json`;
  const text = await folder.readText("run.json");
  if (text === null) throw new UserError(`${label}: does not exist; prepare the run with lockstep train`);
  return parseJson(text, runDescription, { label, remedy: "prepare the run again with another --out" });
}

function planOf({ spec }: RunDescription): RunPlan {
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
