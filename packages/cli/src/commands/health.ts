// Owns `lockstep health ADDRESS`: whether a process serves, for a container's HEALTHCHECK and exec probes.
import { exitCode } from "@lockstep/errors";
import { checkHealth, describeCallFailure } from "@lockstep/service";
import type { Command } from "commander";
import { flags, type Options, parseOptions } from "../flags.js";

const names = ["tls"] as const;
const timeoutMs = 3_000;
/** Whether a process serves is no secret, whoever asks in plain text. */
const quiet = { info: () => {}, warn: () => {} };

const examples = `
Examples:
  $ lockstep health 127.0.0.1:50052
  $ lockstep health coordinator:50051 --tls certs/operator
  $ lockstep health http://127.0.0.1:9464/healthz

Exit code 0 when it serves, 1 otherwise; it waits for 3 seconds at most.
`;

export function addHealthCommand(program: Command): void {
  const command = program
    .command("health")
    .argument("<address>", "host:port, unix:/path.sock, or a URL")
    .description("whether a process serves");
  // Not by addFlags: LOCKSTEP_TLS is the process' own setting in a container, whose health port speaks no TLS.
  command
    .option(flags.tls.usage, "ask over TLS, by a role's ca.crt, tls.crt and tls.key")
    .addHelpText("after", examples);
  command.action(async (address: string, raw: Record<string, unknown>) => {
    const { serves, words } = await ask(address, parseOptions(raw, names)).catch((error: unknown) => ({
      serves: false,
      words: `cannot be reached: ${describeCallFailure(error)}`,
    }));
    process.stdout.write(`${address}: ${words}\n`);
    // Never 2: of a mistake main.ts sees to it.
    process.exitCode = serves ? exitCode.ok : exitCode.failure;
  });
}

interface Answer {
  readonly serves: boolean;
  readonly words: string;
}

async function ask(address: string, { tls: folder }: Options<"tls">): Promise<Answer> {
  if (/^https?:/.test(address)) {
    const { ok, status } = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
    return { serves: ok, words: ok ? "serving" : `not serving (HTTP ${status})` };
  }
  const tls = folder === undefined ? undefined : { folder };
  const status = await checkHealth({ address, tls, insecure: true, timeoutMs, log: quiet });
  return { serves: status === "SERVING", words: status.toLowerCase().replace("_", " ") };
}
