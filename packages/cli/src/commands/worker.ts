// `addWorkerCommand` adds `lockstep worker`, which computes leases of one run.
import { resolve } from "node:path";
import { defaultCacheDir } from "@lockstep/dataset";
import { exitCode, type Log, UnfitMachine, UserError } from "@lockstep/errors";
import { requireBackend } from "@lockstep/recipe";
import { createHealth, createLogger, createShutdown, launcherChannel } from "@lockstep/service";
import { runWorker } from "@lockstep/worker";
import type { Command } from "commander";
import { dataOptionsOf } from "../data-options.js";
import { openHealth } from "../health-port.js";
import { select } from "../settings/all-settings.js";
import { addSettings, parseSettings } from "../settings/command-settings.js";
import { dataSettings } from "../settings/declared/data.js";
import { networkSettings, securitySettings } from "../settings/declared/network.js";
import { recipeSettings } from "../settings/declared/recipe.js";
import { specSettings } from "../settings/declared/run-spec.js";
import { required, type Values, withoutDefault } from "../settings/setting.js";

export const workerSettings = {
  coordinator: required(networkSettings.coordinator),
  ...dataSettings,
  recipe: withoutDefault(recipeSettings.recipe, "the run's"),
  sampling: withoutDefault(specSettings.sampling, "the run's"),
  ...select("backend", "device", "threads", "slot", "cacheDir", "connectTimeout"),
  ...securitySettings,
  ...select("healthListen", "logLevel", "logFile"),
};
type WorkerOptions = Values<typeof workerSettings>;

const examples = `
Examples:
  $ lockstep worker --coordinator 127.0.0.1:7700 --data fairface
  $ lockstep worker --coordinator unix:run.sock --data fairface --threads 4
  $ lockstep worker --coordinator gpu-1:50051 --tls certs/worker --data fairface
`;

export function addWorkerCommand(program: Command): void {
  const command = program.command("worker").description("compute gradients for a coordinator");
  addSettings(command, workerSettings).addHelpText("after", examples);
  command.action(async (raw: Record<string, unknown>) => {
    process.exitCode = await work(parseSettings(raw, workerSettings));
  });
}

async function work(options: WorkerOptions): Promise<number> {
  const { slot, logFile } = options;
  const launcher = launcherChannel();
  const log = createLogger({
    name: slot === undefined ? "worker" : `worker-${slot}`,
    level: options.logLevel,
    ...(logFile === undefined ? {} : { file: logFile }),
  });
  const shutdown = createShutdown({ log, launcher });
  // The worker also serves while it waits for a coordinator, so that no probe ends it then.
  const health = createHealth();
  health.setServing("", true);
  shutdown.signal.addEventListener("abort", () => health.setServing("", false), { once: true });
  const port = await openHealth(options.healthListen, health, log);
  try {
    if (launcher === null) await requireFit(options); // a launcher has checked it
    const { mayGoOn, reason } = await runWorker({
      coordinator: options.coordinator,
      dataOptions: dataOptionsOf(options, null),
      recipe: options.recipe,
      weightsFile: options.sampling?.kind === "file" ? resolve(options.sampling.path) : null,
      cacheDir: resolve(options.cacheDir ?? defaultCacheDir()),
      backend: options.backend,
      device: options.device,
      threads: options.threads,
      slot,
      endsWithCoordinator: launcher !== null,
      connectTimeoutMs: options.connectTimeout === undefined ? null : options.connectTimeout * 1000,
      tls: options.tls,
      joinTokenFile: options.joinTokenFile,
      insecure: options.insecure,
      log,
      dataLog: launcher === null ? log : withoutWarnings(log),
      signal: shutdown.signal,
    });
    // The exit code tells a process manager whether there may be work left.
    log.info({ reason, mayGoOn }, "leaving");
    return mayGoOn ? exitCode.interrupted : exitCode.ok;
  } finally {
    await port?.close({ graceMs: 0 });
    shutdown.dispose();
  }
}

/** Another machine may have what this one lacks: UnfitMachine ends only this worker. */
async function requireFit({ backend, device }: Pick<WorkerOptions, "backend" | "device">): Promise<void> {
  try {
    await requireBackend(backend, device);
  } catch (error) {
    throw error instanceof UserError ? new UnfitMachine(error.message, { cause: error.cause }) : error;
  }
}

/** The data log of a launcher's worker: the launcher has read the same data and printed the warnings once. */
function withoutWarnings(log: Log): Log {
  const info: Log["info"] = (fields, message) => log.info(fields, message);
  return { info, warn: info };
}
