// Owns one `lockstep` command in a test: run to its end, or started and watched.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { waitFor } from "./wait-for.js";

const lockstepPath = fileURLToPath(new URL("../../cli/bin/lockstep.js", import.meta.url));

export interface ClusterEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LockstepOptions {
  /** Beside those of the test's own process. */
  readonly env?: Readonly<Record<string, string>>;
  /** It has to end by then. Default 60 s. */
  readonly deadlineMs?: number;
}

/** A command that goes on until it is told to stop: a coordinator, a worker, an exporter. */
export class LockstepProcess {
  readonly #child: ChildProcess;
  readonly #deadlineMs: number;
  readonly #end: Promise<ClusterEnd>;
  #stderr = "";
  #gone: ClusterEnd | null = null;

  constructor(child: ChildProcess, deadlineMs: number) {
    this.#child = child;
    this.#deadlineMs = deadlineMs;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.#end = endOf(child, deadlineMs).then((end) => {
      this.#gone = end;
      return end;
    });
  }

  /** What was matched, on stderr. Rejects when the command has ended without it. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return waitFor({
      what: String(pattern),
      deadlineMs: this.#deadlineMs,
      look: async () => pattern.exec(this.#stderr) ?? undefined,
      hopeless: () => (this.#gone === null ? null : `the command ended with ${this.#gone.code}:\n${this.#gone.stderr}`),
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when the command has ended, however. */
  ended(): Promise<ClusterEnd> {
    return this.#end;
  }

  /** kill -9, if it is still there. */
  async dispose(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#end;
  }
}

/** Starts any `lockstep` command. The caller disposes it. */
export function startLockstep(
  args: readonly string[],
  { env = {}, deadlineMs = 60_000 }: LockstepOptions = {},
): LockstepProcess {
  return new LockstepProcess(spawnLockstep(args, env), deadlineMs);
}

/** Runs any `lockstep` command to its end. */
export async function runLockstep(
  args: readonly string[],
  { env = {}, deadlineMs = 60_000 }: LockstepOptions = {},
): Promise<ClusterEnd> {
  return endOf(spawnLockstep(args, env), deadlineMs);
}

export function spawnLockstep(args: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [lockstepPath, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
}

export async function endOf(child: ChildProcess, deadlineMs: number): Promise<ClusterEnd> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const timer = setTimeout(() => {
    output.stderr += `\n(killed by the test: not ended after ${deadlineMs} ms)`;
    child.kill("SIGKILL");
  }, deadlineMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, ...output };
}
