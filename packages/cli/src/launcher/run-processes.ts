// `runProcesses` starts a prepared run's coordinator and workers on this machine, shows their events and waits for the run's
// end. Each process gets its settings as JSON on stdin, because other users of the machine can read arguments.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { followEvents } from "@lockstep/exporter";
import { chooseRunSocket, connect } from "@lockstep/service";
import type { Logger } from "pino";
import type { coordinatorSettings } from "../commands/coordinator.js";
import type { workerSettings } from "../commands/worker.js";
import type { PreparedRun } from "../prepare-run.js";
import type { Display } from "../progress/display.js";
import { runFiles } from "../run-folder.js";
import type { launchSettings } from "../settings/declared/launch.js";
import type { Inputs, Values } from "../settings/setting.js";
import { settingsJson } from "../settings/settings-file.js";
import { type Child, startChild } from "./child.js";
import type { ProcessesFile } from "./processes-file.js";
import { type ProcessPlan, superviseRun } from "./supervisor.js";

type LaunchValues = Values<typeof launchSettings>;

interface Launch {
  readonly options: Omit<LaunchValues, "cacheDir" | "config" | "logFile">;
  readonly run: PreparedRun;
  readonly processes: ProcessesFile;
  readonly display: Display;
  readonly log: Logger;
  /** When aborted, the coordinator writes a checkpoint and ends the run. */
  readonly stop: AbortSignal;
}

/** @returns true if the run was stopped; all its processes have ended. @throws as `superviseRun` */
export async function runProcesses(out: string, launch: Launch): Promise<boolean> {
  const { options, processes, display, log, stop } = launch;
  const socket = await chooseRunSocket({ out, log });
  const address = `unix:${socket.path}`;
  const children = new Set<Child>();
  const killAll = (): void => {
    for (const child of children) child.process.kill("SIGKILL");
  };
  process.once("exit", killAll);
  const following = new AbortController();
  const followed = followEvents(
    connect({ address, log }),
    {
      onMessage: (event) => display.event(event),
      onLost: (reason) => log.info({ address, reason }, "the event stream ended"),
    },
    following.signal,
  );
  const plan = (role: ProcessPlan["role"], index: number, args: readonly string[], settings: string): ProcessPlan => ({
    role,
    index,
    start() {
      if (role === "coordinator") socket.ensureFolder();
      const name = role === "coordinator" ? role : `${role} ${index}`;
      const onLine = (line: string): void => display.note(`${name}: ${line}`);
      const child = startChild({ args: [role, ...args, "--config", "-"], stdin: settings, onLine });
      children.add(child);
      void child.exit.then(() => children.delete(child));
      return child;
    },
  });
  try {
    return await superviseRun({
      coordinator: plan("coordinator", 0, ["--prepared"], settingsJson(coordinatorInputs(out, address, launch))),
      workers: Array.from({ length: options.workers }, (_, index) =>
        plan("worker", index, ["--slot", String(index)], settingsJson(workerInputs(out, address, index, launch))),
      ),
      maxRestarts: options.maxRestarts,
      onStarted: (entry) => processes.started(entry),
      onEnded: (entry) => processes.ended(entry),
      log,
      stop,
    });
  } finally {
    following.abort();
    await followed;
    killAll();
    process.removeListener("exit", killAll);
    await rm(socket.path, { force: true }); // a killed coordinator does not remove its socket
  }
}

function coordinatorInputs(out: string, listen: string, { options }: Launch): Inputs<typeof coordinatorSettings> {
  const { workers: expectedWorkers, keepLast, heartbeatTimeout, maxSteps, checkpointEvery, logLevel } = options;
  return {
    ...{ out, listen, expectedWorkers, keepLast, heartbeatTimeout, maxSteps, checkpointEvery, logLevel },
    allowMixedNumerics: options.allowMixedNumerics,
    logFile: join(out, runFiles.logs, "coordinator.log"),
  };
}

function workerInputs(
  out: string,
  coordinator: string,
  index: number,
  { options, run }: Launch,
): Inputs<typeof workerSettings> {
  const { backend, device, threads, logLevel } = options;
  return {
    ...{ coordinator, ...run.dataOptions, cacheDir: run.cacheDir, backend, device, threads, logLevel },
    recipe: run.recipeFile ?? undefined,
    sampling: run.weightsFile ?? undefined,
    logFile: join(out, runFiles.logs, `worker-${index}.log`),
  };
}
