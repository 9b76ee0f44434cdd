// `prepareRun` writes what a run needs before its first step: the image cache, the initial weights as the checkpoint of step 0,
// and run.json. plan-run.ts resolves the run; claim-folder.ts locks the run's folder.
import { join } from "node:path";
import { CheckpointStore } from "@lockstep/checkpoint";
import { openImageCache } from "@lockstep/dataset";
import { asUserError, describeError, UserError } from "@lockstep/errors";
import { type LockFile, replaceJson } from "@lockstep/files";
import { createOptimizer } from "@lockstep/numerics";
import type { RunDescription, RunSummary } from "@lockstep/protocol";
import { type ClaimOptions, claimFolder } from "./claim-folder.js";
import type { ResolvedDataOptions } from "./data-options.js";
import { type PlannedRun, type PlanOptions, planRun } from "./plan-run.js";
import { readSummary, runFiles, writeLaunch } from "./run-folder.js";
import { writeSkippedImages } from "./skipped-images.js";

export interface PrepareOptions extends PlanOptions, ClaimOptions {
  /** Called when this process has locked the folder: from here on it may write files there. */
  readonly onLocked?: () => Promise<void>;
  /** Called if the preparation fails after that, while this process still holds the lock. */
  readonly onRefused?: () => Promise<void>;
}

export interface PreparedRun {
  readonly description: RunDescription;
  readonly dataOptions: ResolvedDataOptions;
  /** Where the decoded images are. */
  readonly cacheDir: string;
  /** Path of the user's recipe; null for a built-in one. */
  readonly recipeFile: string | null;
  readonly weightsFile: string | null;
  readonly stepsPerEpoch: number;
  /** The result of a resumed run that is already finished: there is nothing to start. Null for every other run. */
  readonly finished: RunSummary | null;
  /** Number of images that cannot be used; skipped.csv lists them. */
  readonly numSkipped: number;
  readonly lock: LockFile;
}

/** @returns the run, with its lock held. @throws UserError if data, flags or the folder cannot be used */
export async function prepareRun(options: PrepareOptions): Promise<PreparedRun> {
  const { out, resume, log, onProgress, signal } = options;
  const folder = await claimFolder(options);
  const { former, lock } = folder;
  try {
    await options.onLocked?.();
    const planned = await planRun(options, former);
    const { description, dataOptions, cacheDir, recipeFile, weightsFile, stepsPerEpoch, dataset, samples } = planned;
    const finished = former === null ? null : await finishedSummary(out);
    if (finished === null) {
      const { imageSize } = description.spec;
      const cache = await openImageCache({ dataset, samples, imageSize, cacheDir, log, onProgress, signal });
      await cache.close();
    }
    if (former === null) await writeInitialCheckpoint(out, planned);
    await writeLaunch(out, { ...dataOptions, cacheDir, recipe: recipeFile, weightsFile });
    await writeSkippedImages(out, dataset.skipped);
    if (former === null) {
      await replaceJson(join(out, runFiles.run), description); // last: a folder that has it can be resumed
      await folder.markPrepared();
    }
    log.info({ out, resume, spec: description.spec }, "the run is prepared");
    const numSkipped = dataset.skipped.length;
    return { description, dataOptions, cacheDir, recipeFile, weightsFile, stepsPerEpoch, finished, numSkipped, lock };
  } catch (error) {
    const told = asUserError(error, `--out ${out}: the run cannot be prepared`);
    try {
      await options.onRefused?.();
      await folder.giveBack({ keepLogs: !(told instanceof UserError || signal.aborted) });
    } catch (failure) {
      // The next start recognises and overwrites what is left. The first error is reported.
      log.warn({ out, error: describeError(failure) }, "the run's folder could not be restored");
    }
    throw told;
  }
}

/** @returns null if the run has not finished, or if its last checkpoint is broken or missing: then the end is computed again */
export async function finishedSummary(out: string): Promise<RunSummary | null> {
  const summary = await readSummary(out);
  if (!summary?.completed) return null;
  const { checkpoint } = await new CheckpointStore(join(out, runFiles.checkpoints)).newestValid();
  return checkpoint?.step === summary.steps ? summary : null;
}

async function writeInitialCheckpoint(out: string, { description, layout, initialWeights }: PlannedRun): Promise<void> {
  const store = new CheckpointStore(join(out, runFiles.checkpoints));
  await store.prepare();
  await store.write({
    runSpec: description.spec,
    layout,
    weights: initialWeights(),
    optimizerState: createOptimizer(description.spec.optimizer, layout).state,
    position: { step: 0, epoch: 0, stepInEpoch: 0, validationRecorded: false },
    epochSums: description.sumNames.map(() => 0),
    epochSamples: 0,
    validation: null,
    numerics: {},
    pixelsSha256: null,
    coordinatorGeneration: 0,
    bookkeeping: {},
  });
}
