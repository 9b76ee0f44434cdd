// `addTrainCommand` adds `lockstep train`, which prepares a run, starts its processes on this machine and prints the result.
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { exitCode, UserError } from "@lockstep/errors";
import { requireBackend } from "@lockstep/recipe";
import { chooseRunSocket, createLogger, createShutdown, type Shutdown } from "@lockstep/service";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { Resume } from "../claim-folder.js";
import { assertWorkable, dryRun, renderDryRun } from "../dry-run/dry-run.js";
import { ProcessesFile } from "../launcher/processes-file.js";
import { runProcesses } from "../launcher/run-processes.js";
import { type PreparedRun, prepareRun } from "../prepare-run.js";
import { createDisplay, type Display } from "../progress/display.js";
import { readSummary, runFiles } from "../run-folder.js";
import { type GivenToRun, keptSettings } from "../run-settings.js";
import { select } from "../settings/all-settings.js";
import { originsOf } from "../settings/apply-settings.js";
import { addSettings, parseGiven, parseSettings } from "../settings/command-settings.js";
import { dataSettings } from "../settings/declared/data.js";
import { specHeading, specSettings } from "../settings/declared/run-spec.js";
import type { Values } from "../settings/setting.js";
import { finishedNotes, imagesSkipped, renderSummary, trainResult } from "../train-result.js";

const launchSettings = {
  ...select("out", "resume", "workers", "threads", "backend", "device", "maxSteps", "checkpointEvery", "keepLast"),
  ...select("maxRestarts", "heartbeatTimeout", "allowMixedNumerics", "dryRun", "json", "logLevel"),
};
const besidesSpec = { ...dataSettings, ...launchSettings, ...select("cacheDir") };
type TrainOptions = Values<typeof launchSettings>;

const examples = `
Examples:
  $ lockstep train                              generated data, two workers
  $ lockstep train --data fairface --workers 4 --out runs/faces
  $ lockstep train --resume --out runs/faces    resume after a stop or a crash
  $ lockstep train --config run.yaml --dry-run  check and show every setting
  $ lockstep train --init-from runs/faces --lr 1e-5 --early-stop-patience 3
`;

export function addTrainCommand(program: Command): void {
  const command = program.command("train").description("train on this machine: a coordinator and its workers");
  addSettings(command, besidesSpec);
  addSettings(command, specSettings, { heading: specHeading }).addHelpText("after", examples);
  command.action(async (raw: Record<string, unknown>) => {
    const options = parseSettings(raw, launchSettings);
    const given = parseGiven(raw, keptSettings);
    await requireBackend(options.backend, options.device);
    if (options.dryRun) await showDryRun(options, given, command);
    else process.exitCode = await train(options, given);
  });
}

async function showDryRun(options: TrainOptions, given: GivenToRun, command: Command): Promise<void> {
  const display = createDisplay();
  const found = await dryRun({
    ...{ ...options, given, settings: { ...besidesSpec, ...specSettings }, origins: originsOf(command) },
    out: resolve(options.out ?? defaultOut(options.resume)),
    log: createLogger({ name: "launcher", level: options.logLevel, stderr: display.stderr }),
    onProgress: (progress) => display.preparing(progress),
    signal: new AbortController().signal, // Ctrl-C may end the process at once: there is nothing to clean up
  }).finally(() => display.close());
  process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : renderDryRun(found));
  assertWorkable(found);
}

/** @returns the exit code. @throws UserError */
async function train(options: TrainOptions, given: GivenToRun): Promise<number> {
  const display = createDisplay();
  const shutdown = createShutdown({
    log: createLogger({ name: "launcher", level: options.logLevel, stderr: display.stderr }),
    onFirst: (reason) => display.note(`${reason}: finishing the step and writing a checkpoint (again: exit at once)`),
  });
  const { signal } = shutdown;
  try {
    return await trainIn(resolve(options.out ?? defaultOut(options.resume)), { options, given, display, shutdown });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return exitCode.interrupted;
    throw error;
  } finally {
    display.close();
    shutdown.dispose();
  }
}

async function trainIn(
  out: string,
  start: {
    readonly options: TrainOptions;
    readonly given: GivenToRun;
    readonly display: Display;
    readonly shutdown: Shutdown;
  },
): Promise<number> {
  const { options, given, display, shutdown } = start;
  const { signal } = shutdown;
  const { out: namedOut = out, resume } = options;
  const processes = new ProcessesFile(out);
  const logging = { name: "launcher", level: options.logLevel, stderr: display.stderr };
  let log = createLogger(logging);
  const run = await prepareRun({
    ...{ out, resume, given, signal },
    lockOptions: {
      signal,
      onWait: (message) => display.note(message),
      onLost: (error) => shutdown.request(error.message),
    },
    log: forwardTo(() => log),
    onProgress: (progress) => display.preparing(progress),
    onLocked: async () => {
      // From here on this process may write into the folder.
      log = createLogger({ ...logging, file: join(out, runFiles.logs, "launcher.log") });
      processes.started({ role: "launcher", index: 0, pid: process.pid });
      await processes.settled();
      await chooseRunSocket({ out, log }); // only a check: if no socket path fits, the run is refused before images are decoded
    },
    onRefused: () => processes.close(),
  });
  try {
    signal.throwIfAborted();
    if (run.finished !== null) {
      const { epochs: totalEpochs } = run.description.spec;
      const notes = finishedNotes(run.finished, { out: namedOut, totalEpochs, ledBy: "train" });
      for (const line of notes) display.note(line);
      display.close();
      return await printResult(out, { options, run, interrupted: false });
    }
    if (resume !== true) display.note(`run folder: ${namedOut} (${runFiles.logs}/ while it runs)`);
    warnOfIdleWorkers(run, options, display);
    if (run.numSkipped > 0) display.note(`left out: ${imagesSkipped(run.numSkipped)}`);
    await rm(join(out, runFiles.summary), { force: true });
    const interrupted = await runProcesses(out, { options, run, processes, display, log, stop: signal });
    display.close();
    return await printResult(out, { options, run, interrupted: interrupted || signal.aborted });
  } finally {
    await processes.close();
    await run.lock.release();
  }
}

function warnOfIdleWorkers(run: PreparedRun, options: TrainOptions, display: Display): void {
  const { microBatch, globalBatch } = run.description.spec;
  const perStep = Math.ceil(globalBatch / microBatch);
  if (options.workers <= perStep) return;
  display.note(
    `warning: ${options.workers} workers share ${perStep} micro-batches a step: some will be idle (--global-batch ${globalBatch}, --micro-batch ${microBatch})`,
  );
}

async function printResult(
  out: string,
  end: { readonly options: TrainOptions; readonly run: PreparedRun; readonly interrupted: boolean },
): Promise<number> {
  const { options, run, interrupted } = end;
  const summary = await readSummary(out);
  if (summary === null) {
    if (interrupted) return exitCode.interrupted;
    throw new Error(`the coordinator left no ${runFiles.summary} in ${out}; see ${join(out, runFiles.logs)}`);
  }
  const { workers, out: namedOut = out } = options;
  const result = trainResult(summary, { out: namedOut, workers, imagesSkipped: run.numSkipped });
  process.stdout.write(
    options.json ? `${JSON.stringify(result)}\n` : renderSummary(result, { cacheDir: run.cacheDir, ledBy: "train" }),
  );
  return interrupted ? exitCode.interrupted : exitCode.ok;
}

function defaultOut(resume: Resume): string {
  if (resume !== false) throw new UserError("--resume: needs the run's folder (--out)");
  const now = new Date().toISOString().slice(0, 19).replaceAll(":", "").replace("T", "-");
  return join("runs", now);
}

/** A logger that forwards to the current one: the log file is opened after the first lines may be logged. */
function forwardTo(current: () => Logger): Logger {
  return new Proxy(current(), { get: (_, name) => Reflect.get(current(), name, current()) });
}
