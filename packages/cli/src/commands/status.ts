// `addStatusCommand` adds `lockstep status`, which reads a run's progress from its folder or asks its coordinator.
import { join, resolve } from "node:path";
import { CheckpointStore } from "@lockstep/checkpoint";
import { createPlan } from "@lockstep/dataset";
import { printable, UserError } from "@lockstep/errors";
import { livenessOf, readLockHolder } from "@lockstep/files";
import { createLogger } from "@lockstep/service";
import type { Command } from "commander";
import { newestMetrics } from "../metrics-file.js";
import { addRunArgument } from "../path-values.js";
import { fitted } from "../progress/progress-text.js";
import { RemoteCoordinator } from "../remote/coordinator-client.js";
import { remoteStatus, renderRemoteStatus } from "../remote/remote-status.js";
import { readProcesses, readSummary, requireRun, runFiles } from "../run-folder.js";
import { select } from "../settings/all-settings.js";
import { addSettings, parseSettings } from "../settings/command-settings.js";
import { networkSettings, securitySettings } from "../settings/declared/network.js";
import type { Values } from "../settings/setting.js";

const settings = {
  coordinator: { ...networkSettings.coordinator, help: "ask the coordinator at this address" },
  ...securitySettings,
  ...select("json", "logLevel"),
};

const examples = `
Examples:
  $ lockstep status runs/faces
  $ lockstep status --coordinator gpu-1:50051 --tls certs/operator
`;

export function addStatusCommand(program: Command): void {
  const command = program.command("status").description("show the state and progress of a run");
  addRunArgument(command, "[out]", "the run's folder; not used with --coordinator");
  addSettings(command, settings).addHelpText("after", examples);
  command.action(async (out: string | undefined, raw: Record<string, unknown>) => {
    const options = parseSettings(raw, settings);
    if ((out === undefined) === (options.coordinator === undefined)) {
      throw new UserError("status: needs either the run's folder or the coordinator's address (--coordinator)");
    }
    process.stdout.write(
      out === undefined ? await askCoordinator(options) : await readFolder(resolve(out), options.json),
    );
  });
}

async function askCoordinator({ coordinator: address = "", ...options }: Values<typeof settings>) {
  const { json, logLevel: level } = options;
  const coordinator = new RemoteCoordinator({ ...options, address, log: createLogger({ name: "status", level }) });
  try {
    const status = remoteStatus(await coordinator.status());
    return json ? `${JSON.stringify(status)}\n` : renderRemoteStatus(address, status);
  } finally {
    coordinator.close();
  }
}

async function readFolder(out: string, json: boolean): Promise<string> {
  const status = await statusOf(out);
  return json ? `${JSON.stringify(status)}\n` : render(status);
}

type Status = Awaited<ReturnType<typeof statusOf>>;

async function statusOf(out: string) {
  const { spec } = await requireRun(out);
  const { train: trainSamples, val: valSamples } = spec.dataset.samples;
  const { totalSteps } = createPlan({ ...spec, trainSamples, valSamples });
  const lockHolder =
    (await readLockHolder(join(out, runFiles.lock))) ?? (await readLockHolder(join(out, runFiles.coordinatorLock)));
  const processes = (await readProcesses(out)).filter((entry) => {
    const liveness = livenessOf(entry);
    return liveness === "alive" || (liveness === "unknown" && lockHolder !== null);
  });
  const isRunning = processes.length > 0 || lockHolder !== null;
  const checkpoints = await new CheckpointStore(join(out, runFiles.checkpoints)).list();
  const { step, validation } = await newestMetrics(join(out, runFiles.metrics));
  const summary = await readSummary(out);
  return {
    out,
    state: isRunning ? "running" : summary?.completed ? "finished" : "stopped",
    step: step?.step ?? 0,
    totalSteps,
    epochs: spec.epochs,
    lastStep: step,
    lastValidation: validation,
    checkpoints: checkpoints.map((checkpoint) => checkpoint.step),
    processes,
    /** The process that leads the run: the launcher, or a coordinator that was started by hand. Null if there is none. */
    lockHolder,
    /** Why the run ended. */
    reason: isRunning ? null : (summary?.reason ?? null),
    weightsSha256: isRunning ? null : (summary?.weightsSha256 ?? null),
  } as const;
}

const nameColumns = 13;

function render(status: Status): string {
  const { out, state, step, totalSteps, lastStep, lastValidation, checkpoints, processes, lockHolder, reason } = status;
  const field = (name: string, parts: readonly string[], gap?: string): string =>
    fitted(parts, 80 - nameColumns, gap)
      .map((line, index) => `${(index === 0 ? name : "").padEnd(nameColumns)}${line}\n`)
      .join("");
  const running = processes.map(({ role, index, pid }) => `${role} ${index} (${pid})`);
  return [
    `${out}: ${state}, step ${step} of ${totalSteps}\n`,
    lastStep ? field("last step:", numbers(lastStep.metrics)) : "",
    lastValidation ? field("validation:", numbers(lastValidation.metrics)) : "",
    field("checkpoints:", checkpoints.length > 0 ? checkpoints.map(String) : ["none"], ", "),
    reason === null ? "" : field("ended:", [printable(reason)]),
    running.length > 0 ? field("processes:", running, ", ") : "",
    running.length === 0 && lockHolder
      ? field("led by:", [`process ${lockHolder.pid} on host ${lockHolder.host}`])
      : "",
  ].join("");
}

function numbers(record: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    typeof value === "number" ? [`${name} ${Number(value.toPrecision(4))}`] : [],
  );
}
