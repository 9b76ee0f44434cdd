// Owns an exporter in a test: the command as an operator starts it, on a free port.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./shipped-expressions.js";

export interface ExporterProcess {
  /** host:port of its HTTP server. */
  readonly address: string;
  dispose(): Promise<void>;
}

export async function startExporter(coordinator: string): Promise<ExporterProcess> {
  const lockstep = join(root, "packages", "cli", "bin", "lockstep.js");
  const child = spawn(
    process.execPath,
    [lockstep, "exporter", "--coordinator", coordinator, "--listen", "127.0.0.1:0"],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const [, address] = /^serving http:\/\/(\S+)\/metrics$/.exec(line) ?? [];
    if (address === undefined) continue;
    child.stderr.resume();
    return {
      address,
      async dispose() {
        if (child.exitCode !== null) return;
        const closed = once(child, "close");
        child.kill("SIGTERM");
        await closed;
      },
    };
  }
  throw new Error(`the exporter did not start:\n${said.join("\n")}`);
}
