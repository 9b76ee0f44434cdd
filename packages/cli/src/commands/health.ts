// `addHealthCommand` adds `lockstep health ADDRESS`, for a container's HEALTHCHECK and exec probes.
import { exitCode } from "@lockstep/errors";
import { checkHealth, describeCallFailure } from "@lockstep/service";
import type { Command } from "commander";
import { optionOf, parseSettings } from "../settings/command-settings.js";
import { securitySettings } from "../settings/declared/network.js";
import type { Values } from "../settings/setting.js";

const settings = {
  tls: {
    ...securitySettings.tls,
    help: "connect with TLS, with a role's ca.crt, tls.crt and tls.key",
    defaultText: "",
  },
};
const timeoutMs = 3_000;
/** Health is not secret: the warning about plain text is not logged. */
const quiet = { info: () => {}, warn: () => {} };

const examples = `
Examples:
  $ lockstep health 127.0.0.1:50052
  $ lockstep health coordinator:50051 --tls certs/operator
  $ lockstep health http://127.0.0.1:9464/healthz

The exit code is 0 if the process serves, and 1 otherwise. The command waits for
at most 3 seconds.
`;

export function addHealthCommand(program: Command): void {
  const command = program
    .command("health")
    .argument("<address>", "host:port, unix:/path.sock, or a URL")
    .description("check whether a process serves");
  // Not added by addSettings: LOCKSTEP_TLS is a setting of the container's main process, whose health port has no TLS.
  command.addOption(optionOf("tls", settings.tls)).addHelpText("after", examples);
  command.action(async (address: string, raw: Record<string, unknown>) => {
    const { serves, words } = await ask(address, parseSettings(raw, settings)).catch((error: unknown) => ({
      serves: false,
      words: `cannot be reached: ${describeCallFailure(error)}`,
    }));
    process.stdout.write(`${address}: ${words}\n`);
    // The exit code is never 2: main.ts does the same for a user's mistake.
    process.exitCode = serves ? exitCode.ok : exitCode.failure;
  });
}

interface Answer {
  readonly serves: boolean;
  readonly words: string;
}

async function ask(address: string, { tls: folder }: Values<typeof settings>): Promise<Answer> {
  if (/^https?:/.test(address)) {
    const { ok, status } = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
    return { serves: ok, words: ok ? "serving" : `not serving (HTTP ${status})` };
  }
  const tls = folder === undefined ? undefined : { folder };
  const status = await checkHealth({ address, tls, insecure: true, timeoutMs, log: quiet });
  return { serves: status === "SERVING", words: status.toLowerCase().replace("_", " ") };
}
