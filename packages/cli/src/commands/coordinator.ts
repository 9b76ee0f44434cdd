// `addCoordinatorCommand` adds `lockstep coordinator`, which leads a run. It prepares the run and holds the run's lock, unless the
// launcher has done both (`--prepared`). prepare-run.ts loads TensorFlow.js and the image decoder, so it is imported only to prepare.
import { join, resolve } from "node:path";
import { answerLateWorkers, type RunEnd, runCoordinator } from "@lockstep/coordinator";
import { exitCode, type Log, UserError } from "@lockstep/errors";
import { acquireLock, type LockFile, type LockOptions } from "@lockstep/files";
import {
  backoff,
  checkListening,
  createHealth,
  createLogger,
  createShutdown,
  type Health,
  type LoggerOptions,
  launcherChannel,
  retry,
  tlsAs,
} from "@lockstep/service";
import type { Command } from "commander";
import type { Logger } from "pino";
import { openHealth } from "../health-port.js";
import type { PreparedRun } from "../prepare-run.js";
import { createDisplay, type Display } from "../progress/display.js";
import { readSummary, runFiles } from "../run-folder.js";
import { type GivenToRun, keptSettings } from "../run-settings.js";
import { select } from "../settings/all-settings.js";
import { addSettings, parseGiven, parseSettings } from "../settings/command-settings.js";
import { dataSettings } from "../settings/declared/data.js";
import { launchSettings } from "../settings/declared/launch.js";
import { securitySettings } from "../settings/declared/network.js";
import { specHeading, specSettings } from "../settings/declared/run-spec.js";
import { required, type Values } from "../settings/setting.js";
import { finishedNotes, renderSummary, trainResult } from "../train-result.js";

export const coordinatorSettings = {
  out: required(launchSettings.out),
  ...select("listen", "expectedWorkers"),
  ...securitySettings,
  ...select("healthListen", "resume", "maxSteps", "checkpointEvery", "keepLast", "heartbeatTimeout", "linger"),
  ...select("allowMixedNumerics", "prepared", "json", "logLevel", "logFile"),
};
type CoordinatorOptions = Values<typeof coordinatorSettings>;

const examples = `
Examples:
  $ lockstep coordinator --data fairface --out runs/a --listen 127.0.0.1:7700
  $ lockstep worker --coordinator 127.0.0.1:7700 --data fairface
  $ lockstep coordinator --out a --listen 0.0.0.0:50051 --tls certs/coordinator

Start any number of workers, on any machines that have the data.
`;

export function addCoordinatorCommand(program: Command): void {
  const command = program.command("coordinator").description("lead a run; workers join with `lockstep worker`");
  addSettings(command, { ...coordinatorSettings, ...dataSettings, ...select("cacheDir") });
  addSettings(command, specSettings, { heading: specHeading }).addHelpText("after", examples);
  command.action(async (raw: Record<string, unknown>) => {
    process.exitCode = await coordinate(parseSettings(raw, coordinatorSettings), parseGiven(raw, keptSettings));
  });
}

async function coordinate(options: CoordinatorOptions, given: GivenToRun): Promise<number> {
  const out = resolve(options.out);
  const { logLevel: level } = options;
  const display = options.prepared ? null : createDisplay();
  const logging = { name: "coordinator", level, ...(display === null ? {} : { stderr: display.stderr }) };
  const earlyLog = createLogger(logging);
  const shutdown = createShutdown({
    log: earlyLog,
    launcher: launcherChannel(),
    onFirst: (reason) => display?.note(`${reason}: finishing the step`),
  });
  const { signal } = shutdown;
  // Checked before the preparation, which may decode images for minutes.
  const { listen: address, tls: folder, joinTokenFile, insecure } = options;
  const tls = tlsAs("coordinator", folder);
  await checkListening({ address, tls, joinTokenFile, insecure });
  // Opened before the preparation too: the process is alive, but does not serve yet.
  const health = createHealth();
  const healthPort = await openHealth(options.healthListen, health, earlyLog);
  const lockOptions: LockOptions & { readonly signal: AbortSignal } = {
    signal,
    onWait: (message) => display?.note(message),
    onLost: (error) => shutdown.request(error.message),
  };
  try {
    const end = await prepareAndLead(options, given, { out, logging, earlyLog, display, health, lockOptions, signal });
    await answerLate(options, end, { health, log: earlyLog, signal });
    return end.mayGoOn ? exitCode.interrupted : exitCode.ok;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return exitCode.interrupted;
    throw error;
  } finally {
    await healthPort?.close({ graceMs: 0 });
    shutdown.dispose();
  }
}

interface Surroundings {
  readonly out: string;
  readonly logging: LoggerOptions;
  readonly earlyLog: Logger;
  readonly display: Display | null;
  readonly health: Health;
  readonly lockOptions: LockOptions & { readonly signal: AbortSignal };
  readonly signal: AbortSignal;
}

type End = Pick<RunEnd, "mayGoOn" | "workersNotified"> & { readonly reason: string };

/** Prepares and leads the run with its lock held, and prints the result. */
async function prepareAndLead(
  options: CoordinatorOptions,
  given: GivenToRun,
  surroundings: Surroundings,
): Promise<End> {
  const { out, earlyLog, display, lockOptions, signal } = surroundings;
  let prepared: PreparedRun | null = null;
  let end: End;
  try {
    if (!options.prepared) {
      const { prepareRun } = await import("../prepare-run.js");
      prepared = await prepareRun({
        out,
        resume: options.resume,
        lockOptions,
        given,
        log: earlyLog,
        onProgress: (progress) => display?.preparing(progress),
        signal,
      });
    }
    if (prepared?.finished) {
      const { epochs: totalEpochs } = prepared.description.spec;
      const notes = finishedNotes(prepared.finished, { out: options.out, totalEpochs, ledBy: "coordinator" });
      for (const line of notes) display?.note(line);
      end = { mayGoOn: false, workersNotified: 0, reason: prepared.finished.reason };
    } else {
      end = await lead(options, surroundings);
    }
    if (missingAt(end, options) > 0) {
      display?.note(`the run is over; answering late workers for at most ${options.linger} s (--linger)`);
    }
  } finally {
    display?.close();
    await prepared?.lock.release();
  }
  if (prepared !== null) await printSummary(out, options, prepared);
  return end;
}

/** @returns the number of expected workers that do not know of the end yet; 0 without --linger */
function missingAt({ mayGoOn, workersNotified }: End, { linger, expectedWorkers }: CoordinatorOptions): number {
  return mayGoOn || linger === undefined ? 0 : Math.max(0, expectedWorkers - workersNotified);
}

async function answerLate(
  options: CoordinatorOptions,
  end: End,
  surroundings: Pick<Surroundings, "health" | "signal"> & { readonly log: Log },
): Promise<void> {
  const { listen, tls, joinTokenFile, insecure, linger = 0 } = options;
  await answerLateWorkers({
    ...{ listen, tls, joinTokenFile, insecure, ...surroundings },
    ...{ reason: end.reason, numWorkers: missingAt(end, options), lingerMs: 1000 * linger },
  });
}

/** Leads the run with the coordinator's own lock held. */
async function lead(options: CoordinatorOptions, surroundings: Surroundings): Promise<End> {
  const { out, logging, display, health, lockOptions, signal } = surroundings;
  const lock = await lockCoordinator(out, lockOptions);
  try {
    const { summary, mayGoOn, workersNotified } = await runCoordinator({
      out,
      listen: options.listen,
      tls: options.tls,
      joinTokenFile: options.joinTokenFile,
      insecure: options.insecure,
      health,
      expectedWorkers: options.expectedWorkers,
      checkpointEvery: options.checkpointEvery ?? null,
      keepLast: options.keepLast,
      maxSteps: options.maxSteps ?? null,
      heartbeatTimeoutMs: 1000 * options.heartbeatTimeout,
      allowMixedNumerics: options.allowMixedNumerics,
      log: createLogger({
        ...logging,
        file: options.logFile ?? join(out, runFiles.logs, "coordinator.log"),
      }),
      signal,
      onListening: (address) => display?.note(`listening on ${address}`),
    });
    return { mayGoOn, workersNotified, reason: summary.reason };
  } finally {
    await lock.release();
  }
}

/** Time for the coordinator of a killed launcher to write its checkpoint and end. */
const formerCoordinatorMs = 20_000;

/** The launcher holds the run's lock. The coordinator has its own one, because it writes a checkpoint after its launcher ended. */
function lockCoordinator(out: string, options: LockOptions & { readonly signal: AbortSignal }): Promise<LockFile> {
  const deadline = performance.now() + formerCoordinatorMs;
  return retry(() => acquireLock(join(out, runFiles.coordinatorLock), options), {
    signal: options.signal,
    backoff: backoff({ baseMs: 50, maxMs: 500, factor: 2, jitter: false }),
    shouldRetry: (error) => error instanceof UserError && performance.now() < deadline,
  });
}

async function printSummary(
  out: string,
  { json, out: namedOut }: CoordinatorOptions,
  { cacheDir, numSkipped: imagesSkipped }: PreparedRun,
): Promise<void> {
  const summary = await readSummary(out);
  if (summary === null) return;
  const workers = summary.microBatchesByWorker.length;
  const result = trainResult(summary, { out: namedOut, workers, imagesSkipped });
  process.stdout.write(
    json ? `${JSON.stringify(result)}\n` : renderSummary(result, { cacheDir, ledBy: "coordinator" }),
  );
}
