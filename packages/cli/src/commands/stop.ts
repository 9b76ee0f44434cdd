// `addStopCommand` adds `lockstep stop`, which stops a run from any machine that can reach its coordinator.
import { exitCode, printable, UserError } from "@lockstep/errors";
import type { RunFinished, RunStarted } from "@lockstep/protocol";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { RemoteCoordinator } from "../remote/coordinator-client.js";
import { select } from "../settings/all-settings.js";
import { addSettings, parseSettings } from "../settings/command-settings.js";
import { networkSettings, securitySettings } from "../settings/declared/network.js";
import { required, type Values } from "../settings/setting.js";

const settings = {
  coordinator: required(networkSettings.coordinator),
  ...select("reason"),
  ...securitySettings,
  ...select("json", "logLevel"),
};

const examples = `
Examples:
  $ lockstep stop --coordinator gpu-1:50051 --tls certs/operator
  $ lockstep stop --coordinator unix:run.sock --reason "disk is full"

The coordinator finishes the current step, writes a checkpoint and stops its
workers. This command waits for that. --resume continues the run.
`;

export function addStopCommand(program: Command): void {
  const command = program.command("stop").description("stop a run; it can be resumed");
  addSettings(command, settings).addHelpText("after", examples);
  command.action(async (raw: Record<string, unknown>) => {
    process.exitCode = await stop(parseSettings(raw, settings));
  });
}

async function stop(options: Values<typeof settings>): Promise<number> {
  const { coordinator: address, reason, json } = options;
  const log = createLogger({ name: "stop", level: options.logLevel });
  const shutdown = createShutdown({ log });
  const coordinator = new RemoteCoordinator({ ...options, address, log, signal: shutdown.signal });
  try {
    const end = await endOf(coordinator, reason, shutdown.signal).catch((error: unknown) => {
      if (shutdown.signal.aborted) return null;
      throw error;
    });
    if (shutdown.signal.aborted) return exitCode.interrupted;
    if (end === null)
      throw new UserError(
        `--coordinator ${address}: closed the connection before it reported the end of the run; see its log`,
      );
    process.stdout.write(json ? `${JSON.stringify(end)}\n` : render(end));
    return end.failed ? exitCode.failure : exitCode.ok;
  } finally {
    coordinator.close();
    shutdown.dispose();
  }
}

interface End extends RunFinished {
  readonly totalSteps: number;
}

/** Subscribes before the stop request, so that no event is missed. @returns null if the stream ends without the run's end */
async function endOf(coordinator: RemoteCoordinator, reason: string, signal: AbortSignal): Promise<End | null> {
  let started: RunStarted | null = null;
  for await (const { event } of coordinator.events()) {
    if (event?.$case === "runStarted" && started === null) {
      started = event.value;
      await coordinator.stop(reason);
    }
    if (event?.$case === "runFinished") return { ...event.value, totalSteps: started?.totalSteps ?? event.value.step };
  }
  if (started === null && !signal.aborted) await coordinator.status(); // throws the reason why there were no events
  return null;
}

function render({ completed, failed, step, totalSteps, ...texts }: End): string {
  const reason = printable(texts.reason);
  if (failed) return `failed at step ${step} of ${totalSteps}: ${reason}\n`;
  const head = completed ? `finished: ${reason}` : `stopped at step ${step} of ${totalSteps}: ${reason}`;
  const next = completed ? "" : "the checkpoint is written; to continue, start the coordinator with --resume\n";
  return `${head}\n  SHA-256  ${printable(texts.weightsSha256)}\n${next}`;
}
