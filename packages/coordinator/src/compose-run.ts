// Creates the parts of a run from its prepared folder and its settings: `composeRun`.
import type { JsonValue, Snapshot } from "@lockstep/checkpoint";
import { describeError, type Log, UserError } from "@lockstep/errors";
import { nativeStatus, numericsVersion } from "@lockstep/numerics";
import { canonicalJson, canonicalSha256, PROTOCOL_VERSION } from "@lockstep/protocol";
import { Conductor } from "./conductor.js";
import { type CoreSettings, createState, type Reference } from "./core/state.js";
import { type Bookkeeping, restoreBookkeeping } from "./keep/bookkeeping.js";
import { CheckpointWriter } from "./keep/checkpoint-writer.js";
import type { PreparedRun } from "./keep/prepared-run.js";
import { restoredPosition } from "./keep/stored-position.js";
import { BufferPool } from "./reduce/buffer-pool.js";
import type { Training } from "./reduce/training-state.js";
import { WeightsFeed } from "./reduce/weights-feed.js";
import type { RunEnvironment } from "./run-environment.js";
import { Sessions } from "./serve/sessions.js";
import { type GenerationStart, Observation } from "./tell/observation.js";
import { StepLog } from "./tell/step-log.js";

/** How a run is led. No setting changes the resulting weights, except that `maxSteps` ends the run earlier. */
export interface LeadSettings {
  /** Steps between checkpoints. Null: checkpoints are written only after validations, at a stop and at the end. */
  readonly checkpointEvery: number | null;
  /** The run stops after this number of updates, counted from step 0. Null: no limit. */
  readonly maxSteps: number | null;
  /** The first step waits for this number of workers, but at most 5 s after the first one is ready. Default 1. */
  readonly expectedWorkers?: number;
  /** Default 500. */
  readonly heartbeatIntervalMs?: number;
  /** Default 5000. */
  readonly heartbeatTimeoutMs?: number;
  /** How long a stop waits for the current step before it abandons the step. Default 2000. */
  readonly stopGraceMs?: number;
  readonly allowMixedNumerics: boolean;
  readonly log: Log;
}

export interface RunParts {
  readonly prepared: PreparedRun;
  readonly generation: number;
  readonly conductor: Conductor;
  readonly training: Training;
  readonly stepLog: StepLog;
  readonly observation: Observation;
  readonly sessions: Sessions;
  readonly pool: BufferPool;
  readonly feed: WeightsFeed;
  readonly writer: CheckpointWriter;
  /** Step of the newest checkpoint on the disk. */
  readonly checkpointStep: () => number;
  /** Null when this is the run's first coordinator and it starts from step 0. */
  readonly resumedFromStep: number | null;
}

const gatherMs = 5000;

export function composeRun(
  settings: LeadSettings,
  prepared: PreparedRun,
  { start, environment }: { readonly start: GenerationStart; readonly environment: RunEnvironment },
): RunParts {
  const { generation } = start;
  const { run, layout, plan, checkpoint } = prepared;
  const { manifest } = checkpoint;
  const { log } = settings;
  const { folder, clock } = environment;
  const { nowMs, unixMs } = clock;
  const position = restoredPosition(manifest.position, plan.stepsPerEpoch);
  const earlier = restoreBookkeeping(manifest.bookkeeping);
  requireValidationLosses(prepared, earlier);
  const training = environment.createTraining({
    run,
    layout,
    totalSteps: plan.totalSteps,
    weights: checkpoint.weights,
    optimizerState: checkpoint.optimizerState,
    epochSums: manifest.epochSums,
    epochSamples: manifest.epochSamples,
  });
  const observation = new Observation({ start, checkpoint, earlier, unixMs, state: () => conductor.state });
  const { events, goodput } = observation;
  const stepLog = new StepLog({
    generation,
    metrics: folder.openJournal("metrics.jsonl"),
    ledger: folder.openJournal("ledger.jsonl"),
    events,
    unixMs,
  });
  let checkpointStep = position.step;
  // The journals come first: after a power loss they have a line for every step that a checkpoint has.
  const store = {
    write: async (snapshot: Snapshot) => {
      await stepLog.sync();
      return folder.checkpoints.write(snapshot);
    },
  };
  const writer = new CheckpointWriter(store, {
    written: ({ step, path, sizeBytes, seconds }) => {
      checkpointStep = step;
      log.info({ step, path, sizeBytes, seconds }, "checkpoint written");
      events.publish({ $case: "checkpointWritten", value: { step, path, sizeBytes, seconds } });
    },
    failed: (error) => {
      const message = `cannot write a checkpoint: ${describeError(error)}; repair the disk and resume`;
      conductor.dispatch({ type: "broken", message });
    },
  });
  const pool = new BufferPool(layout.numElements);
  const feed = new WeightsFeed(layout);
  const sessions = new Sessions(nowMs);
  const conductor: Conductor = new Conductor(
    createState({
      settings: coreSettings(settings, prepared, generation),
      position,
      reference: referenceOf(prepared),
      carried: {
        leasesRedone: earlier.leasesRedone,
        microBatchesBySlot: new Map(earlier.microBatchesByWorker.entries()),
        mixedNumerics: earlier.mixedNumerics,
        validationLosses: earlier.validationLosses,
      },
    }),
    {
      ...{ run, layout, training, feed, pool, sessions, writer, stepLog, events, goodput, log, nowMs },
      onChange: () => observation.publishStatus(),
      numerics: ownNumerics(log),
    },
    earlier,
  );
  const resumedFromStep = generation === 1 && position.step === 0 ? null : position.step;
  if (resumedFromStep !== null) log.info({ step: resumedFromStep, generation }, "resuming from a checkpoint");
  return {
    ...{
      prepared,
      generation,
      conductor,
      training,
      stepLog,
      observation,
      sessions,
      pool,
      feed,
      writer,
      resumedFromStep,
    },
    checkpointStep: () => checkpointStep,
  };
}

function coreSettings(settings: LeadSettings, { run, layout, plan }: PreparedRun, generation: number): CoreSettings {
  return {
    protocolVersion: PROTOCOL_VERSION,
    coordinatorGeneration: generation,
    runSpecSha256: canonicalSha256(run.spec),
    datasetFingerprint: run.spec.dataset.fingerprint,
    layoutSha256: layout.sha256,
    plan,
    earlyStop: run.spec.earlyStop ?? null,
    numSums: run.sumNames.length,
    checkpointEvery: settings.checkpointEvery,
    maxSteps: settings.maxSteps,
    heartbeatTimeoutMs: settings.heartbeatTimeoutMs ?? 5000,
    expectedWorkers: settings.expectedWorkers ?? 1,
    gatherMs,
    stopGraceMs: settings.stopGraceMs ?? 2000,
    allowMixedNumerics: settings.allowMixedNumerics,
    late: { factor: 4, floorMs: 2000, unmeasuredFloorMs: 10_000 },
    maxValidationLease: 64,
  };
}

/** The early stop is decided by the validation losses of all epochs, so the checkpoint must have one for each epoch. */
function requireValidationLosses({ run, plan, checkpoint }: PreparedRun, { validationLosses }: Bookkeeping): void {
  const { step, epoch } = restoredPosition(checkpoint.manifest.position, plan.stepsPerEpoch);
  if (run.spec.earlyStop === undefined || validationLosses.length === epoch) return;
  throw new UserError(
    `${checkpoint.path}: the checkpoint of step ${step} has ${validationLosses.length} validation losses for ${epoch} epochs, and the early stop needs one for each; remove that checkpoint and resume`,
  );
}

/** The coordinator's own numerics, for the manifests. Native kernels give the same bits as the TypeScript kernels. */
function ownNumerics(log: Log): Record<string, JsonValue> {
  const native = nativeStatus();
  if (!native.available) log.warn({}, `native numerics are not in use (equal bits, slower): ${native.reason ?? ""}`);
  return { numericsVersion, v8: process.versions.v8 };
}

/** The reference numerics that the checkpoint stores. Null when no worker had joined before it was written. */
function referenceOf({ checkpoint: { manifest } }: PreparedRun): Reference | null {
  const workers = manifest.numerics["workers"];
  if (manifest.pixelsSha256 === null || workers === undefined || workers === null) return null;
  return { numericsJson: canonicalJson(workers), pixelsSha256: manifest.pixelsSha256 };
}
