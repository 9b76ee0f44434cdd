// Runs a `lockstep` command in a test: to its end with `runLockstep`, or in the background with `startLockstep`.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { waitFor } from "./wait-for.js";

const lockstepPath = fileURLToPath(new URL("../../cli/bin/lockstep.js", import.meta.url));

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LockstepOptions {
  /** Environment variables that are added to those of the test process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The command is killed when it runs longer than this. Default 60 s. */
  readonly deadlineMs?: number;
}

/** A command that runs until it is stopped: a coordinator, a worker, an exporter. */
export class LockstepProcess {
  readonly #child: ChildProcess;
  readonly #deadlineMs: number;
  readonly #end: Promise<CommandEnd>;
  #stderr = "";
  #gone: CommandEnd | null = null;

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

  /** Waits until the text of stderr matches. @returns the match. Rejects when the command has ended without one. */
  waitForStderr(pattern: RegExp): Promise<RegExpExecArray> {
    return waitFor({
      what: String(pattern),
      deadlineMs: this.#deadlineMs,
      look: async () => pattern.exec(this.#stderr) ?? undefined,
      failure: () => (this.#gone === null ? null : `the command ended with ${this.#gone.code}:\n${this.#gone.stderr}`),
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when the command has ended, with any exit code. */
  ended(): Promise<CommandEnd> {
    return this.#end;
  }

  /** Kills the command if it still runs, and waits for its end. */
  async dispose(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#end;
  }
}

/** Starts a `lockstep` command. The caller must dispose it. */
export function startLockstep(
  args: readonly string[],
  { env = {}, deadlineMs = 60_000 }: LockstepOptions = {},
): LockstepProcess {
  return new LockstepProcess(spawnLockstep(args, env), deadlineMs);
}

/** Runs a `lockstep` command to its end. */
export async function runLockstep(
  args: readonly string[],
  { env = {}, deadlineMs = 60_000 }: LockstepOptions = {},
): Promise<CommandEnd> {
  return endOf(spawnLockstep(args, env), deadlineMs);
}

export function spawnLockstep(args: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [lockstepPath, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
}

/** Collects the output, and resolves when the process has ended. Kills it after deadlineMs. */
export async function endOf(child: ChildProcess, deadlineMs: number): Promise<CommandEnd> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const timer = setTimeout(() => {
    output.stderr += `\n(the test killed it, because it had not ended after ${deadlineMs} ms)`;
    child.kill("SIGKILL");
  }, deadlineMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, ...output };
}
