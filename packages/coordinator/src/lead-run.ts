// Leads a run from its folder to its end or to a stop: `leadRun`. What it needs of the machine comes as `RunEnvironment`.
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
  /** Aborted: the run stops after the step under way. Its reason is shown to people. */
  readonly signal: AbortSignal;
  readonly health: Health;
  /** Called once it serves. */
  readonly onListening?: (address: string) => void;
  /** Called when an observer asks for a stop. */
  readonly onStop?: (reason: string) => void;
}

const tickMs = 100;
/** How often observers receive the run's status. */
const statusMs = 1000;
const closeGraceMs = 2000;

export interface RunEnd {
  readonly summary: RunSummary;
  /** True when this process was told to end: a later one may resume the run. False when the run is over for good. */
  readonly mayGoOn: boolean;
  /** Workers that attended at the end, and were told of it. */
  readonly workersNotified: number;
}

/**
 * Nothing in the folder is changed before the address is bound: a second coordinator that cannot have it leaves the
 * generation and the last result as they are.
 * @throws UserError for a folder that is not a prepared run, or an address that cannot be bound
 * @throws RunFailed when the run cannot go on; summary.json is not written then
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
    // The disk may be in order again when the run is resumed: this is not a mistake in the command.
    if (error instanceof Error && "syscall" in error) {
      throw new RunFailed(`${folder.path}: ${error.message}; mend the disk and resume`, { cause: error });
    }
    throw error;
  }
}

/** From the bound address to the last stream closed. */
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
    log.info({ address: listener.address, step, totalSteps }, "coordinator listens");
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
 * Waits for the last checkpoint and writes the result. A worker that is told that the run is over does not come back, so
 * this comes before; when it fails, the run has failed.
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
    const message = `cannot write ${summaryFile}: ${describeError(error)}; mend the disk and resume`;
    conductor.dispatch({ type: "broken", message });
    return { end: outcomeOf(conductor), summary: null };
  }
}

function outcomeOf({ state: { phase } }: Conductor): Outcome {
  if (phase.kind !== "ended") throw new Error(`the run is ${phase.kind}, and should have ended`);
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
