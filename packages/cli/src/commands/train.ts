// Owns `lockstep train`: prepares a run, starts its processes on this machine, shows progress, prints the result.
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { exitCode, UserError } from "@lockstep/errors";
import { followEvents } from "@lockstep/exporter";
import { requireBackend } from "@lockstep/recipe";
import {
  chooseRunSocket,
  connect,
  createLogger,
  createShutdown,
  type RunSocket,
  type Shutdown,
} from "@lockstep/service";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { Resume } from "../claim-folder.js";
import { dataArguments, dataFlags } from "../data-flags.js";
import { assertWorkable, dryRun, renderDryRun } from "../dry-run/dry-run.js";
import { addFlags, type Options, parseOptions } from "../flags.js";
import { type Child, startChild } from "../launcher/child.js";
import { ProcessesFile } from "../launcher/processes-file.js";
import { type ProcessPlan, superviseRun } from "../launcher/supervisor.js";
import { type PreparedRun, prepareRun } from "../prepare-run.js";
import { createDisplay, type Display } from "../progress/display.js";
import { readSummary, runFiles } from "../run-folder.js";
import { recipeArguments } from "../run-recipe.js";
import { specFlags, specHeading } from "../run-settings.js";
import { type Origins, originsOf } from "../settings/apply-settings.js";
import { finishedNotes, imagesSkipped, renderSummary, trainResult } from "../train-result.js";

const launchFlags = [
  ...dataFlags,
  "out",
  "resume",
  "workers",
  "threads",
  "backend",
  "device",
  "maxSteps",
  "checkpointEvery",
  "keepLast",
  "maxRestarts",
  "heartbeatTimeout",
  "allowMixedNumerics",
  "cacheDir",
  "dryRun",
  "json",
  "logLevel",
] as const;
const names = [...launchFlags, ...specFlags];
type TrainOptions = Options<(typeof names)[number]>;

const examples = `
Examples:
  $ lockstep train                              the embedded data, two workers
  $ lockstep train --data fairface --workers 4 --out runs/faces
  $ lockstep train --resume --out runs/faces    go on after a stop or a crash
  $ lockstep train --config run.yaml --dry-run  check it, show every setting
  $ lockstep train --init-from runs/faces --lr 1e-5 --early-stop-patience 3
`;

export function addTrainCommand(program: Command): void {
  const command = program.command("train").description("train on this machine: a coordinator and its workers");
  addFlags(command, launchFlags);
  addFlags(command, specFlags, { heading: specHeading }).addHelpText("after", examples);
  command.action(async (raw: Record<string, unknown>) => {
    const options = parseOptions(raw, names);
    await requireBackend(options.backend, options.device);
    if (options.dryRun) await showDryRun(options, originsOf(command));
    else process.exitCode = await train(options);
  });
}

async function showDryRun(options: TrainOptions, origins: Origins): Promise<void> {
  const display = createDisplay();
  const found = await dryRun({
    ...options,
    out: resolve(options.out ?? defaultOut(options.resume)),
    given: options,
    dataFlags: options,
    cacheDir: options.cacheDir,
    log: createLogger({ name: "launcher", level: options.logLevel, stderr: display.stderr }),
    onProgress: (progress) => display.preparing(progress),
    signal: new AbortController().signal, // Ctrl-C may end it at once: there is nothing to put in order
    ...{ options, names, origins },
  }).finally(() => display.close());
  process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : renderDryRun(found));
  assertWorkable(found);
}

/** @returns the exit code. @throws UserError */
async function train(options: TrainOptions): Promise<number> {
  const out = resolve(options.out ?? defaultOut(options.resume));
  const children = new Set<Child>();
  const killAll = (): void => {
    for (const child of children) child.process.kill("SIGKILL");
  };
  process.once("exit", killAll);
  const display = createDisplay();
  const launchLog = createLogger({ name: "launcher", level: options.logLevel, stderr: display.stderr });
  const shutdown = createShutdown({
    log: launchLog,
    onFirst: (reason) => display.note(`${reason}: finishing the step and writing a checkpoint (again: leave at once)`),
  });
  try {
    return await trainIn(out, { options, display, shutdown, children });
  } catch (error) {
    if (shutdown.signal.aborted && error === shutdown.signal.reason) return exitCode.interrupted;
    throw error;
  } finally {
    display.close();
    shutdown.dispose();
    killAll();
    process.removeListener("exit", killAll);
  }
}

interface Surroundings {
  readonly options: TrainOptions;
  readonly display: Display;
  readonly shutdown: Shutdown;
  readonly children: Set<Child>;
}

async function trainIn(out: string, surroundings: Surroundings): Promise<number> {
  const { options, display, shutdown } = surroundings;
  const { signal } = shutdown;
  const processes = new ProcessesFile(out);
  // The file is opened once the folder is known to be ours.
  const logging = { name: "launcher", level: options.logLevel, stderr: display.stderr };
  let log = createLogger(logging);
  const run = await prepareRun({
    out,
    resume: options.resume,
    lockOptions: {
      signal,
      onWait: (message) => display.note(message),
      onLost: (error) => shutdown.request(error.message),
    },
    given: options,
    dataFlags: options,
    cacheDir: options.cacheDir,
    log: forwardTo(() => log),
    onProgress: (progress) => display.preparing(progress),
    onLocked: async () => {
      log = createLogger({ ...logging, file: join(out, runFiles.logs, "launcher.log") });
      processes.started({ role: "launcher", index: 0, pid: process.pid });
      await processes.settled();
      await chooseRunSocket({ out, log }); // only a check: where the socket has no place, nothing is decoded first
    },
    onRefused: () => processes.close(),
    signal,
  });
  try {
    signal.throwIfAborted();
    if (run.finished !== null) {
      const { epochs } = run.description.spec;
      for (const line of finishedNotes(run.finished, { out: options.out ?? out, totalEpochs: epochs, ledBy: "train" }))
        display.note(line);
      display.close();
      return await printResult(out, { options, run, interrupted: false });
    }
    if (options.resume !== true) display.note(`run folder: ${options.out ?? out} (${runFiles.logs}/ while it runs)`);
    warnOfIdleWorkers(run, options, display);
    if (run.numSkipped > 0) display.note(`left out: ${imagesSkipped(run.numSkipped)}`);
    await rm(join(out, runFiles.summary), { force: true });
    const interrupted = await runProcesses(out, { ...surroundings, run, processes, log });
    display.close();
    return await printResult(out, { options, run, interrupted: interrupted || signal.aborted });
  } finally {
    await processes.close();
    await run.lock.release();
  }
}

async function runProcesses(
  out: string,
  launch: Surroundings & { readonly run: PreparedRun; readonly processes: ProcessesFile; readonly log: Logger },
): Promise<boolean> {
  const { options, display, shutdown, run, processes, log } = launch;
  const socket = await chooseRunSocket({ out, log });
  const address = `unix:${socket.path}`;
  const following = new AbortController();
  const followed = followEvents(
    connect({ address, log }),
    {
      onMessage: (event) => display.event(event),
      onLost: (reason) => log.info({ address, reason }, "the event stream ended"),
    },
    following.signal,
  );
  try {
    return await superviseRun({
      coordinator: plan("coordinator", 0, coordinatorArgs(out, address, options), { ...launch, socket }),
      workers: Array.from({ length: options.workers }, (_, index) =>
        plan("worker", index, workerArgs({ out, address, index, run, options }), launch),
      ),
      maxRestarts: options.maxRestarts,
      onStarted: (entry) => processes.started(entry),
      onEnded: (entry) => processes.ended(entry),
      log,
      stop: shutdown.signal,
    });
  } finally {
    following.abort();
    await followed;
    await rm(socket.path, { force: true }); // a coordinator that was killed leaves it
  }
}

function plan(
  role: ProcessPlan["role"],
  index: number,
  args: readonly string[],
  { display, children, socket }: Pick<Surroundings, "display" | "children"> & { readonly socket?: RunSocket },
): ProcessPlan {
  const name = role === "coordinator" ? role : `${role} ${index}`;
  return {
    role,
    index,
    start() {
      socket?.ensureFolder();
      const child = startChild({ args, onLine: (line) => display.note(`${name}: ${line}`) });
      children.add(child);
      void child.exit.then(() => children.delete(child));
      return child;
    },
  };
}

function coordinatorArgs(out: string, address: string, options: TrainOptions): string[] {
  return [
    "coordinator",
    "--prepared",
    ...["--out", out],
    ...["--listen", address],
    ...["--expected-workers", String(options.workers)],
    ...["--keep-last", String(options.keepLast)],
    ...["--heartbeat-timeout", String(options.heartbeatTimeout)],
    ...(options.maxSteps === undefined ? [] : ["--max-steps", String(options.maxSteps)]),
    ...(options.checkpointEvery === undefined ? [] : ["--checkpoint-every", String(options.checkpointEvery)]),
    ...(options.allowMixedNumerics ? ["--allow-mixed-numerics"] : []),
    ...["--log-level", options.logLevel],
    ...["--log-file", join(out, runFiles.logs, "coordinator.log")],
  ];
}

function workerArgs(worker: {
  readonly out: string;
  readonly address: string;
  readonly index: number;
  readonly run: PreparedRun;
  readonly options: TrainOptions;
}): string[] {
  const { out, address, index, run, options } = worker;
  return [
    "worker",
    ...["--coordinator", address],
    ...dataArguments(run.dataOptions),
    ...recipeArguments(run.recipeFile),
    ...(run.weightsFile === null ? [] : ["--sampling", run.weightsFile]),
    ...["--cache-dir", run.cacheDir],
    ...["--backend", options.backend],
    ...["--device", options.device],
    ...["--threads", String(options.threads)],
    ...["--slot", String(index)],
    ...["--log-level", options.logLevel],
    ...["--log-file", join(out, runFiles.logs, `worker-${index}.log`)],
  ];
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

/** The logger of the moment: the file is opened later than the first line may be written. */
function forwardTo(current: () => Logger): Logger {
  return new Proxy(current(), { get: (_, name) => Reflect.get(current(), name, current()) });
}
