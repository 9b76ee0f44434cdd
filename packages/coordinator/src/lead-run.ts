// Leads a run from its prepared folder until it ends or is stopped: `leadRun`. Clock, timers, disk and network are
// passed in as `RunEnvironment`.
import { describeError, RunFailed } from "@lockstep/errors";
import type { RunSummary } from "@lockstep/protocol";
import { canonicalJson } from "@lockstep/protocol";
import type { Health } from "@lockstep/service";
import { composeRun, type LeadSettings, type RunParts } from "./compose-run.js";
import { type Conductor, reasonOf } from "./conductor.js";
import { mayGoOnAfter, type Outcome } from "./core/event.js";
import { countsBySlot } from "./core/state.js";
import { readGeneration, storeGeneration } from "./keep/generation.js";
import { readPreparedRun } from "./keep/prepared-run.js";
import { readPreviousEnd, summaryFile } from "./keep/previous-summary.js";
import { samplesBefore } from "./keep/stored-position.js";
import { BrokenUploads } from "./reduce/broken-uploads.js";
import type { RunEnvironment } from "./run-environment.js";
import { coordinatorService } from "./serve/coordinator-service.js";
import { controlService, telemetryService } from "./serve/observer-services.js";

export interface LeadOptions extends LeadSettings {
  /** When it is aborted, the run stops after the current step. The abort reason is shown to users. */
  readonly signal: AbortSignal;
  readonly health: Health;
  /** Called with the bound address when the services accept calls. */
  readonly onListening?: (address: string) => void;
  /** Called when an observer asks for a stop. */
  readonly onStop?: (reason: string) => void;
}

const tickMs = 100;
/** Interval at which observers receive the run's status. */
const statusMs = 1000;
const closeGraceMs = 2000;

export interface RunEnd {
  readonly summary: RunSummary;
  /**
   * True when a later process may resume the run: this process received a signal to end. False when the run is over.
   */
  readonly mayGoOn: boolean;
  /** Number of workers that were connected at the end and received its reason. */
  readonly workersNotified: number;
}

/**
 * Leads the run in the folder until it ends or is stopped.
 * Nothing in the folder is changed before the address is bound. A second coordinator, which cannot bind the address,
 * thus leaves the generation and the last result as they are.
 * @throws UserError if the folder is not a prepared run or the address cannot be bound
 * @throws RunFailed if the run cannot go on; summary.json is not written then
 */
export async function leadRun(options: LeadOptions, environment: RunEnvironment): Promise<RunEnd> {
  const { folder, clock } = environment;
  try {
    const startMs = clock.nowMs();
    const beganAtMs = clock.unixMs();
    const prepared = await readPreparedRun(folder, options.log);
    const generation = (await readGeneration(folder)) + 1;
    const previousEnd = await readPreviousEnd(folder, options.log);
    const parts = composeRun(options, prepared, { start: { generation, beganAtMs, previousEnd }, environment });
    try {
      return await serve(options, parts, { environment, startMs });
    } finally {
      parts.stepLog.close();
    }
  } catch (error) {
    // Not a UserError: the command is right, and works once the disk does.
    if (error instanceof Error && "syscall" in error) {
      throw new RunFailed(`${folder.path}: ${error.message}; repair the disk and resume`, { cause: error });
    }
    throw error;
  }
}

/** Binds the address, serves until the run has ended, records its end and closes every stream. */
async function serve(
  options: LeadOptions,
  parts: RunParts,
  { environment, startMs }: { readonly environment: RunEnvironment; readonly startMs: number },
): Promise<RunEnd> {
  const { log, signal, health } = options;
  const { conductor, training, feed, observation, generation } = parts;
  const { folder, clock } = environment;
  const uploads = new BrokenUploads(conductor, clock);
  const services = servicesOf(options, parts, { clock, uploads });
  const names = services.flatMap(({ definition }) => Object.values(definition)[0]?.path.split("/")[1] ?? []);
  const serving = { isReady: false };
  const listener = await environment.listen(services, () => serving.isReady);
  const stopTicking = environment.every(tickMs, () => {
    uploads.failExpired();
    conductor.dispatch({ type: "tick" });
  });
  const stopReporting = environment.every(statusMs, () => observation.publishStatus(environment.sampleVitals()));
  const onAbort = (): void => {
    conductor.dispatch({ type: "stop", reason: describeError(signal.reason), mayGoOn: true });
  };
  try {
    await storeGeneration(folder, generation);
    await folder.remove(summaryFile);
    const { step } = conductor.state.position;
    const { totalSteps } = parts.prepared.plan;
    log.info({ address: listener.address, step, totalSteps }, "coordinator is listening");
    const weightsDigest = training.digest();
    feed.publish({ step, digest: weightsDigest }, training.weightsBytes());
    conductor.dispatch({ type: "opened", weightsDigest });
    serving.isReady = true;
    for (const name of names) health.setServing(name, true);
    options.onListening?.(listener.address);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const outcome = await conductor.ended;
    log.info({ outcome: outcome.kind, step: conductor.state.position.step }, `the run ends: ${reasonOf(outcome)}`);
    for (const name of names) health.setServing(name, false);
    const { end, summary } = await record(parts, { environment, startMs });
    const workersNotified = conductor.finish(end);
    publishEnd(end, parts);
    await observation.events.close(AbortSignal.timeout(closeGraceMs));
    if (summary === null) throw new RunFailed(reasonOf(end), { cause: conductor.failure });
    return { summary, mayGoOn: mayGoOnAfter(end), workersNotified };
  } finally {
    stopTicking();
    stopReporting();
    signal.removeEventListener("abort", onAbort);
    await listener.close({ graceMs: closeGraceMs });
    for (const name of names) health.remove(name);
  }
}

function servicesOf(
  options: LeadOptions,
  { prepared, conductor, sessions, pool, feed, observation, ...parts }: RunParts,
  { clock, uploads }: { readonly clock: RunEnvironment["clock"]; readonly uploads: BrokenUploads },
) {
  const { run, layout } = prepared;
  const runSpecJson = canonicalJson(run.spec);
  const observers = {
    state: () => conductor.state,
    observation,
    runSpecJson,
    resumed: parts.resumedFromStep !== null,
    samplesPerEpoch: run.spec.dataset.samples.train,
    checkpointStep: parts.checkpointStep,
    onStop: (reason: string) => {
      options.log.info({}, `asked to stop: ${reason}`);
      conductor.dispatch({ type: "stop", reason, mayGoOn: false });
      options.onStop?.(reason);
    },
  };
  return [
    coordinatorService({
      ...{ conductor, sessions, layout, pool, feed, uploads },
      run: { runSpecJson, runSpecSha256: conductor.state.settings.runSpecSha256 },
      vitals: observation.vitals,
      nowMs: clock.nowMs,
      heartbeatIntervalMs: options.heartbeatIntervalMs ?? 500,
    }),
    telemetryService(observers),
    controlService(observers),
  ];
}

/**
 * Waits for the last checkpoint and writes the result. This happens before workers learn that the run is over, because
 * they do not reconnect after that. If the checkpoint or the result cannot be written, the run has failed.
 */
async function record(
  parts: RunParts,
  { environment, startMs }: { readonly environment: RunEnvironment; readonly startMs: number },
): Promise<{ readonly end: Outcome; readonly summary: RunSummary | null }> {
  const { conductor, writer } = parts;
  await conductor.settled();
  await writer.idle();
  const outcome = outcomeOf(conductor);
  if (outcome.kind === "failed") return { end: outcome, summary: null };
  const { folder, clock } = environment;
  const summary = summarize(outcome, parts, { out: folder.path, seconds: (clock.nowMs() - startMs) / 1000 });
  try {
    await folder.replaceJson(summaryFile, summary);
    return { end: outcome, summary };
  } catch (error) {
    conductor.failure ??= error;
    const message = `cannot write ${summaryFile}: ${describeError(error)}; repair the disk and resume`;
    conductor.dispatch({ type: "broken", message });
    return { end: outcomeOf(conductor), summary: null };
  }
}

function outcomeOf({ state: { phase } }: Conductor): Outcome {
  if (phase.kind !== "ended") throw new Error(`the run should have ended, and its phase is ${phase.kind}`);
  return phase.outcome;
}

function publishEnd(end: Outcome, { conductor, observation, training, feed }: RunParts): void {
  const { step } = conductor.state.position;
  // When an update failed or was not counted, the weights are not those of `step`.
  const isAtStep = feed.version?.step === step;
  observation.publishStatus();
  observation.events.publish({
    $case: "runFinished",
    value: {
      completed: end.kind === "completed",
      reason: reasonOf(end),
      step,
      weightsSha256: isAtStep ? training.weightsSha256() : "",
      failed: end.kind === "failed",
    },
  });
}

function summarize(
  outcome: Outcome,
  { conductor, stepLog, training, observation, generation, resumedFromStep }: RunParts,
  { out, seconds }: { readonly out: string; readonly seconds: number },
): RunSummary {
  const { position, settings, leasesRedone, mixedNumerics, reference } = conductor.state;
  const microBatchesByWorker = countsBySlot(conductor.state);
  return {
    completed: outcome.kind === "completed",
    reason: reasonOf(outcome),
    steps: position.step,
    epochs: position.epoch,
    samples: samplesBefore(position, settings.plan),
    seconds,
    imagesPerSecond: stepLog.imagesPerSecond(),
    loss: conductor.loss,
    validation: conductor.lastValidation?.metrics ?? null,
    validationEpoch: conductor.lastValidation?.epoch ?? null,
    weightsSha256: training.weightsSha256(),
    workers: microBatchesByWorker.filter((count) => count > 0).length,
    microBatchesByWorker,
    leasesRedone,
    resumedFromStep,
    coordinatorGeneration: generation,
    out,
    exact: !mixedNumerics,
    numerics: reference === null ? null : JSON.parse(reference.numericsJson),
    phaseSeconds: stepLog.medians(),
    goodput: observation.goodput.record,
  };
}
