// `addExporterCommand` adds `lockstep exporter`, which serves a run's metrics to Prometheus.
import { exitCode } from "@lockstep/errors";
import { runExporter } from "@lockstep/exporter";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { select } from "../settings/all-settings.js";
import { addSettings, parseSettings } from "../settings/command-settings.js";
import { networkSettings, securitySettings } from "../settings/declared/network.js";
import { required, setting, type Values } from "../settings/setting.js";
import { text } from "../settings/values.js";

const settings = {
  coordinator: required(networkSettings.coordinator),
  listen: setting("address", "host:port for /metrics and /healthz", text.default("127.0.0.1:9464")),
  ...securitySettings,
  ...select("logLevel", "logFile"),
};

const examples = `
Examples:
  $ lockstep exporter --coordinator 127.0.0.1:7700
  $ lockstep exporter --coordinator gpu-1:50051 --tls certs/exporter
  $ curl http://127.0.0.1:9464/metrics

It can be started before the coordinator, and it keeps running after the
coordinator has ended. The metric lockstep_up is 1 while a coordinator answers.
`;

export function addExporterCommand(program: Command): void {
  const command = program.command("exporter").description("serve a run's metrics to Prometheus, over HTTP");
  addSettings(command, settings).addHelpText("after", examples);
  command.action(async (raw: Record<string, unknown>) => {
    process.exitCode = await exportMetrics(parseSettings(raw, settings));
  });
}

async function exportMetrics(options: Values<typeof settings>): Promise<number> {
  const { coordinator, listen, tls, joinTokenFile, insecure, logLevel: level, logFile } = options;
  const log = createLogger({ name: "exporter", level, ...(logFile === undefined ? {} : { file: logFile }) });
  const shutdown = createShutdown({ log });
  try {
    await runExporter({
      ...{ coordinator, listen, tls, joinTokenFile, insecure, log },
      signal: shutdown.signal,
      onListening: (address) => process.stderr.write(`serving http://${address}/metrics\n`),
    });
    return exitCode.interrupted;
  } finally {
    shutdown.dispose();
  }
}
