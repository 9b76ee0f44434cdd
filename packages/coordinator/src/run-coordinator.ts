// Owns the coordinator's life: reads the run, serves its services, leads it to its end or a stop, and closes down.
import { join } from "node:path";
import { type CheckpointStoreOptions, type JsonValue, writeJsonDurably } from "@lockstep/checkpoint";
import { describeError, type Log, RunFailed, UserError } from "@lockstep/errors";
import { nativeStatus, numericsVersion } from "@lockstep/numerics";
import { canonicalJson, canonicalSha256, PROTOCOL_VERSION } from "@lockstep/protocol";
import { createHealth, findJoinToken, type Health, listen, parseAddress, tlsAs, watchVitals } from "@lockstep/service";
import { Conductor, countsBySlot, reasonOf } from "./conductor.js";
import type { Position } from "./core/course.js";
import type { Outcome } from "./core/event.js";
import { type CoreSettings, createState, type Reference } from "./core/state.js";
import { restoreBookkeeping } from "./keep/bookkeeping.js";
import { CheckpointWriter } from "./keep/checkpoint-writer.js";
import { nextGeneration } from "./keep/generation.js";
import { Journal } from "./keep/journal.js";
import { type PreparedRun, readPreparedRun } from "./keep/prepared-run.js";
import { takePreviousSummary } from "./keep/previous-summary.js";
import { restoredPosition, samplesBefore } from "./keep/stored-position.js";
import { type RunSummary, summaryFile } from "./keep/summary.js";
import { BrokenUploads } from "./reduce/broken-uploads.js";
import { BufferPool } from "./reduce/buffer-pool.js";
import { TrainingState } from "./reduce/training-state.js";
import { WeightsFeed } from "./reduce/weights-feed.js";
import { coordinatorService } from "./serve/coordinator-service.js";
import { methodGuard } from "./serve/method-guard.js";
import { controlService, telemetryService } from "./serve/observer-services.js";
import { type GenerationStart, Observation } from "./tell/observation.js";
import { StepLog } from "./tell/step-log.js";

export interface CoordinatorOptions {
  /** The run's folder, prepared: run.json and a checkpoint. It goes on from the newest that verifies. */
  readonly out: string;
  /** `unix:/path.sock` or `host:port`; port 0 picks one. */
  readonly listen: string;
  /** Folder of the coordinator's certificates: mutual TLS, and roles held to methods. */
  readonly tls?: string | undefined;
  /** Default: `join-token` in the folder of certificates, where it is there. */
  readonly joinTokenFile?: string | undefined;
  /** Plain text beyond this machine. */
  readonly insecure?: boolean;
  /** Told when it serves and when not any more. Default: one of its own. */
  readonly health?: Health;
  /** Steps between checkpoints; null: only after validations, at a stop and at the end. */
  readonly checkpointEvery: number | null;
  readonly keepLast: number;
  /** Updates in all after which the run stops; null: none. */
  readonly maxSteps: number | null;
  /** The first step waits for so many workers, for at most 5 s after the first of them is here. Default 1. */
  readonly expectedWorkers?: number;
  /** Default 500. */
  readonly heartbeatIntervalMs?: number;
  /** Default 5000. */
  readonly heartbeatTimeoutMs?: number;
  /** How long a stop waits for the step under way before it abandons it. Default 2000. */
  readonly stopGraceMs?: number;
  readonly allowMixedNumerics: boolean;
  readonly log: Log;
  /** Aborted: the run stops after the step under way; its reason is told to people. */
  readonly signal: AbortSignal;
  /** Called once it serves. */
  readonly onListening?: (address: string) => void;
  /** Called when an observer asks for a stop. */
  readonly onStop?: (reason: string) => void;
  /** For tests: see CheckpointStoreOptions. */
  readonly onCheckpointPhase?: CheckpointStoreOptions["onPhase"];
}

const tickMs = 100;
/** How often observers hear how the run does. */
const statusMs = 1000;
const closeGraceMs = 2000;
const gatherMs = 5000;

/**
 * Leads the run to its end or to a stop.
 * @throws UserError for a folder that is not a prepared run, or an address that cannot be listened on
 * @throws RunFailed when the run cannot go on; summary.json is not written then
 */
export async function runCoordinator(options: CoordinatorOptions): Promise<RunSummary> {
  const startMs = performance.now();
  const beganAtMs = Date.now();
  const { out, log } = options;
  const onPhase = options.onCheckpointPhase;
  const prepared = await readPreparedRun(out, {
    store: { keepLast: options.keepLast, ...(onPhase === undefined ? {} : { onPhase }) },
    log,
  });
  const generation = await nextGeneration(out);
  const previousEnd = await takePreviousSummary(out, log);
  const life = openLife(options, prepared, { generation, beganAtMs, previousEnd });
  try {
    const outcome = await serve(options, prepared, life);
    const { conductor, stepLog, training } = life;
    if (outcome.kind === "failed") throw new RunFailed(outcome.message, { cause: conductor.failure });
    const { position, settings, leasesRedone, mixedNumerics, reference } = conductor.state;
    const microBatchesByWorker = countsBySlot(conductor.state);
    const medians = stepLog.medians();
    const summary: RunSummary = {
      completed: outcome.kind === "completed",
      reason: reasonOf(outcome),
      steps: position.step,
      epochs: position.epoch,
      samples: samplesBefore(position, settings.course),
      seconds: (performance.now() - startMs) / 1000,
      imagesPerSecond: stepLog.imagesPerSecond(),
      loss: conductor.loss,
      validation: conductor.lastValidation?.metrics ?? null,
      validationEpoch: conductor.lastValidation?.epoch ?? null,
      weightsSha256: training.weightsSha256(),
      workers: microBatchesByWorker.filter((count) => count > 0).length,
      microBatchesByWorker,
      leasesRedone,
      resumedFromStep: life.resumedFromStep,
      coordinatorGeneration: generation,
      out,
      exact: !mixedNumerics,
      numerics: reference === null ? null : JSON.parse(reference.numericsJson),
      phaseSeconds: medians,
      goodput: life.observation.goodput.record,
    };
    await writeJsonDurably(join(out, summaryFile), summary);
    return summary;
  } finally {
    life.stepLog.close();
  }
}

interface Life {
  readonly conductor: Conductor;
  readonly training: TrainingState;
  readonly stepLog: StepLog;
  readonly observation: Observation;
  readonly pool: BufferPool;
  readonly feed: WeightsFeed;
  readonly writer: CheckpointWriter;
  readonly checkpointStep: () => number;
  /** Why a checkpoint could not be written; null while all could. */
  readonly checkpointFailure: () => string | null;
  readonly resumedFromStep: number | null;
}

function openLife(options: CoordinatorOptions, prepared: PreparedRun, start: GenerationStart): Life {
  const { generation } = start;
  const { run, layout, course, store, checkpoint } = prepared;
  const { manifest } = checkpoint;
  const { out, log } = options;
  const nowMs = (): number => performance.now();
  const unixMs = (): number => Date.now();
  const position: Position = restoredPosition(manifest.position, course.stepsPerEpoch);
  const training = new TrainingState({
    run,
    layout,
    totalSteps: course.totalSteps,
    weights: checkpoint.weights,
    optimizerState: checkpoint.optimizerState,
    epochSums: manifest.epochSums,
    epochSamples: manifest.epochSamples,
  });
  const earlier = restoreBookkeeping(manifest.bookkeeping);
  const observation = new Observation({
    ...{ start, prepared, earlier, unixMs },
    state: () => conductor.state,
  });
  const { events, goodput } = observation;
  const stepLog = new StepLog({
    generation,
    metrics: new Journal(join(out, "metrics.jsonl")),
    ledger: new Journal(join(out, "ledger.jsonl")),
    events,
    unixMs,
  });
  let checkpointStep = position.step;
  let checkpointFailure: string | null = null;
  const writer = new CheckpointWriter(store, {
    written: ({ step, path, sizeBytes, seconds }) => {
      checkpointStep = step;
      log.info({ step, path, sizeBytes, seconds }, "checkpoint written");
      events.publish({ $case: "checkpointWritten", value: { step, path, sizeBytes, seconds } });
    },
    failed: (error) => {
      checkpointFailure = `cannot write a checkpoint: ${describeError(error)}`;
      conductor.dispatch({ type: "broken", message: checkpointFailure });
    },
  });
  const settings: CoreSettings = {
    protocolVersion: PROTOCOL_VERSION,
    coordinatorGeneration: generation,
    runSpecSha256: canonicalSha256(run.spec),
    datasetFingerprint: run.spec.dataset.fingerprint,
    layoutSha256: layout.sha256,
    course,
    earlyStop: run.spec.earlyStop ?? null,
    numSums: run.sumNames.length,
    checkpointEvery: options.checkpointEvery,
    maxSteps: options.maxSteps,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs ?? 5000,
    expectedWorkers: options.expectedWorkers ?? 1,
    gatherMs,
    stopGraceMs: options.stopGraceMs ?? 2000,
    allowMixedNumerics: options.allowMixedNumerics,
    late: { factor: 4, floorMs: 2000, unmeasuredFloorMs: 10_000 },
    maxValidationLease: 64,
  };
  const pool = new BufferPool(layout.numElements);
  const feed = new WeightsFeed(layout);
  if (run.spec.earlyStop !== undefined && earlier.validationLosses.length !== position.epoch) {
    throw new UserError(
      `${out}: the checkpoint of step ${position.step} has ${earlier.validationLosses.length} validation losses of ${position.epoch} epochs, and the run stops early by them; remove that checkpoint and resume`,
    );
  }
  const conductor: Conductor = new Conductor(
    createState({
      settings,
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
      ...{ run, layout, training, feed, pool, writer, stepLog, events, goodput, log, nowMs },
      onChange: () => observation.tellStatus(),
      numerics: ownNumerics(log),
    },
    earlier,
  );
  const resumedFromStep = generation === 1 && position.step === 0 ? null : position.step;
  if (resumedFromStep !== null) log.info({ step: resumedFromStep, generation }, "going on from a checkpoint");
  return {
    conductor,
    training,
    stepLog,
    observation,
    pool,
    feed,
    writer,
    checkpointStep: () => checkpointStep,
    checkpointFailure: () => checkpointFailure,
    resumedFromStep,
  };
}

/** From the first listening to the last stream closed and the last checkpoint written. */
async function serve(options: CoordinatorOptions, prepared: PreparedRun, life: Life): Promise<Outcome> {
  const { log, signal } = options;
  const { conductor, training, feed, observation, pool, writer } = life;
  const { events } = observation;
  const { run, layout, course } = prepared;
  const runSpecJson = canonicalJson(run.spec);
  const stop = (reason: string): void => void conductor.dispatch({ type: "stop", reason });
  const uploads = new BrokenUploads(conductor);
  const observers = {
    state: () => conductor.state,
    observation,
    runSpecJson,
    resumed: life.resumedFromStep !== null,
    samplesPerEpoch: run.spec.dataset.samples.train,
    checkpointStep: life.checkpointStep,
    onStop: (reason: string) => {
      log.info({}, `asked to stop: ${reason}`);
      stop(reason);
      options.onStop?.(reason);
    },
  };
  const { health = createHealth() } = options;
  const services = [
    coordinatorService({
      conductor,
      run: { runSpecJson, runSpecSha256: conductor.state.settings.runSpecSha256 },
      layout,
      pool,
      feed,
      vitals: observation.vitals,
      nowMs: () => performance.now(),
      heartbeatIntervalMs: options.heartbeatIntervalMs ?? 500,
      onBrokenUpload: (lease, reason) => uploads.broke(lease, reason),
    }),
    telemetryService(observers),
    controlService(observers),
  ];
  const served = services.flatMap(({ definition }) => Object.values(definition)[0]?.path.split("/")[1] ?? []);
  const listener = await listen({
    address: options.listen,
    services,
    health,
    ...security(options),
    log,
  });
  const ticker = setInterval(() => {
    uploads.giveUpOld();
    conductor.dispatch({ type: "tick" });
  }, tickMs);
  const own = watchVitals();
  const reporter = setInterval(() => observation.tellStatus(own.sample()), statusMs);
  const onAbort = (): void => stop(describeError(signal.reason));
  try {
    const { position } = conductor.state;
    log.info({ address: listener.address, step: position.step, totalSteps: course.totalSteps }, "coordinator listens");
    options.onListening?.(listener.address);
    const weightsDigest = training.digest();
    feed.publish({ step: position.step, digest: weightsDigest }, training.weightsBytes());
    conductor.dispatch({ type: "opened", weightsDigest });
    for (const name of served) health.setServing(name, true);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const outcome = await conductor.ended;
    log.info({ outcome: outcome.kind, step: conductor.state.position.step }, `the run ends: ${reasonOf(outcome)}`);
    for (const name of served) health.setServing(name, false);
    // A signal ends the process; who ends the run says so by an RPC, or beforehand (--max-steps).
    conductor.finish(outcome, outcome.kind === "failed" || (outcome.kind === "stopped" && signal.aborted));
    await writer.idle();
    const message = life.checkpointFailure();
    const end: Outcome = message === null || outcome.kind === "failed" ? outcome : { kind: "failed", message };
    observation.tellStatus();
    events.publish({
      $case: "runFinished",
      value: {
        completed: end.kind === "completed",
        reason: reasonOf(end),
        step: conductor.state.position.step,
        weightsSha256: training.weightsSha256(),
        failed: end.kind === "failed",
      },
    });
    await events.close(AbortSignal.timeout(closeGraceMs));
    return end;
  } finally {
    clearInterval(ticker);
    clearInterval(reporter);
    own.stop();
    signal.removeEventListener("abort", onAbort);
    await listener.close({ graceMs: closeGraceMs });
  }
}

function security({ listen: address, tls: folder, joinTokenFile: file, insecure, log }: CoordinatorOptions) {
  const isUnix = parseAddress(address).kind === "unix";
  const joinToken = findJoinToken({ file, tlsFolder: folder });
  if (folder !== undefined && !isUnix && joinToken === null) {
    log.warn(
      { folder },
      "no join token: whoever has a worker's certificate may join (put one into join-token there, or --join-token-file)",
    );
  }
  return {
    tls: tlsAs("coordinator", folder),
    insecure,
    interceptors: [methodGuard({ hasRoles: folder !== undefined && !isUnix, joinToken, log })],
  };
}

/** The numerics of the coordinator, for the manifests: native or not makes no difference to the bits. */
function ownNumerics(log: Log): Record<string, JsonValue> {
  const native = nativeStatus();
  if (!native.available) log.warn({}, `native numerics are not in use (equal bits, slower): ${native.reason ?? ""}`);
  return { numericsVersion, v8: process.versions.v8 };
}

/** Of the checkpoint, where workers had joined before it. */
function referenceOf({ checkpoint: { manifest } }: PreparedRun): Reference | null {
  const workers = manifest.numerics["workers"];
  if (manifest.pixelsSha256 === null || workers === undefined || workers === null) return null;
  return { numericsJson: canonicalJson(workers), pixelsSha256: manifest.pixelsSha256 };
}
