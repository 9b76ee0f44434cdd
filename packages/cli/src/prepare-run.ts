// Owns what is written before the first step: the image cache, the initial weights as the checkpoint of step 0, and the
// run's folder with its lock. What the run will be is planned in plan-run.ts.
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { acquireRunLock, CheckpointStore, type RunLock, writeJsonDurably } from "@lockstep/checkpoint";
import { openImageCache } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { makeFolder } from "@lockstep/files";
import { createOptimizer } from "@lockstep/numerics";
import type { RunDescription } from "@lockstep/protocol";
import type { ResolvedDataOptions } from "./data-flags.js";
import { type PlannedRun, type PlanOptions, planRun } from "./plan-run.js";
import { readRunDescription, readSummary, runFiles, type StoredSummary, writeLaunch } from "./run-folder.js";
import { writeSkippedImages } from "./skipped-images.js";

/** Goes on with the run in --out; auto: or starts it, if there is none. */
export type Resume = boolean | "auto";

export interface PrepareOptions extends PlanOptions {
  readonly resume: Resume;
  /** Told when the folder is ours: from here on other processes may be told of in it. */
  readonly onLocked?: () => Promise<void>;
  /** Told when it is refused after that, while it is still ours. */
  readonly onRefused?: () => Promise<void>;
}

export interface PreparedRun {
  readonly description: RunDescription;
  readonly dataOptions: ResolvedDataOptions;
  /** Where the decoded images are. */
  readonly cacheDir: string;
  /** Where a recipe of the user's own is; null where it is built in. */
  readonly recipeFile: string | null;
  readonly weightsFile: string | null;
  readonly stepsPerEpoch: number;
  /** Of a run that goes on and is finished: there is nothing to start. Null for every other. */
  readonly finished: StoredSummary | null;
  /** Images that are left out; skipped.csv lists them. */
  readonly numSkipped: number;
  readonly lock: RunLock;
}

/** @throws UserError for data, flags or a folder that cannot be used; the lock is held when it resolves */
export async function prepareRun(options: PrepareOptions): Promise<PreparedRun> {
  const { out, resume, log, onProgress, signal } = options;
  const former = await formerRun(out, resume);
  const before = await entriesOf(out);
  const { lock, isNew } = await lockFolder(out);
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
    if (former === null) await writeNewRun(out, planned);
    await writeLaunch(out, { ...dataOptions, cacheDir, recipe: recipeFile, weightsFile });
    await writeSkippedImages(out, dataset.skipped);
    log.info({ out, resume, spec: description.spec }, "the run is prepared");
    const numSkipped = dataset.skipped.length;
    return { description, dataOptions, cacheDir, recipeFile, weightsFile, stepsPerEpoch, finished, numSkipped, lock };
  } catch (error) {
    await options.onRefused?.();
    // What was made for nothing goes again; after a fault of ours the logs are of use.
    const leavesNothing = former === null && (error instanceof UserError || signal.aborted);
    if (leavesNothing) await emptyUnstarted(out, before);
    await lock.release();
    if (leavesNothing && isNew) await rmdir(out).catch(() => {}); // somebody has put something there
    throw error;
  }
}

/** All that this preparation may have left, but for the lock: without run.json there is no run. What stood there before stays. */
async function emptyUnstarted(out: string, before: readonly string[]): Promise<void> {
  if ((await readRunDescription(out)) !== null) return;
  for (const name of [runFiles.logs, runFiles.processes, runFiles.checkpoints]) {
    if (!before.includes(name)) await rm(join(out, name), { recursive: true, force: true });
  }
}

async function lockFolder(out: string): Promise<{ lock: RunLock; isNew: boolean }> {
  try {
    const isNew = await makeFolder(out);
    return { lock: await acquireRunLock(out), isNew };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${out}: cannot be used as the run's folder (--out)`, { cause: error });
  }
}

/** The run that --resume goes on with; null for a new one. @throws UserError when `out` is not what is needed for that */
export async function formerRun(out: string, resume: Resume): Promise<RunDescription | null> {
  const former = await readRunDescription(out);
  if (resume === true && former === null) {
    throw new UserError(
      `${out}: no run to go on with (no ${runFiles.run}); start one without --resume, or by --resume auto`,
    );
  }
  if (!resume && former !== null) {
    throw new UserError(`${out}: holds a run already; go on with it by --resume, or choose another --out`);
  }
  if (former === null) await assertNobodysFolder(out);
  return former;
}

/**
 * A preparation that was killed leaves files of ours and no run.json: those are written over. It leaves its lock too, which
 * tells them from folders that somebody else calls `checkpoints` or `logs`.
 */
async function assertNobodysFolder(out: string): Promise<void> {
  const entries = await entriesOf(out);
  const ours: readonly string[] = entries.includes(runFiles.lock) ? Object.values(runFiles) : [];
  const strangers = entries.filter((name) => !ours.includes(name) && !name.startsWith("."));
  if (strangers.length > 0) {
    throw new UserError(`${out}: exists and is not empty (${strangers[0]}); choose another --out`);
  }
}

/** Null when the run has not reached its end, or the checkpoint of its end is broken or gone: then it is made again. */
export async function finishedSummary(out: string): Promise<StoredSummary | null> {
  const summary = await readSummary(out);
  if (!summary?.completed) return null;
  const { checkpoint } = await new CheckpointStore(join(out, runFiles.checkpoints)).newestValid();
  return checkpoint?.step === summary.steps ? summary : null;
}

async function entriesOf(out: string): Promise<string[]> {
  return readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new UserError(`${out}: cannot be used as the run's folder: ${error.message} (--out)`, { cause: error });
  });
}

/** run.json comes last: a folder that has one can be resumed. */
async function writeNewRun(out: string, { description, layout, initialWeights }: PlannedRun): Promise<void> {
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
  await writeJsonDurably(join(out, runFiles.run), description);
}
