// Owns one process that the launcher starts: `lockstep coordinator` or `lockstep worker`, with an IPC channel, its
// output taken line by line.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { environmentOfChildren } from "../settings/environment.js";

/** The committed start file: what an operator runs, too. */
const lockstepPath = fileURLToPath(new URL("../../bin/lockstep.js", import.meta.url));

/** How a process says what a user did wrong, before it exits with 2: the launcher repeats it as its own. */
export const userErrorPrefix = "lockstep: ";

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line that began with userErrorPrefix, without it. */
  readonly complaint: string | null;
}

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Never rejects. Resolves when the process has gone and all its output was read. */
  readonly exit: Promise<ChildExit>;
}

/**
 * Tensors pass through as buffers of megabytes, outside of a small heap that is collected all the time: collecting with
 * threads of its own costs more in waking them than it saves (10 MB on a unix socket, up: 37 ms with, 20 ms without).
 */
const nodeFlags = ["--single-threaded-gc"];

/** @throws when the process cannot be started at all */
export function startChild(options: {
  readonly args: readonly string[];
  readonly onLine: (line: string) => void;
  /** What the process reads; absent: nothing. */
  readonly stdin?: string;
  /** A JavaScript file; default: the lockstep command. */
  readonly program?: string;
}): Child {
  const child = spawn(process.execPath, [...nodeFlags, options.program ?? lockstepPath, ...options.args], {
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe", "ipc"],
    env: environmentOfChildren(process.env),
  });
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) {
    child.on("error", () => {}); // said below
    throw new Error(`cannot start ${process.execPath} ${options.args.join(" ")}`);
  }
  child.stdin?.on("error", () => {}); // it has ended without reading: its exit tells why
  child.stdin?.end(options.stdin);
  let complaint: string | null = null;
  for (const stream of [stdout, stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      if (line.startsWith(userErrorPrefix)) complaint = line.slice(userErrorPrefix.length);
      else options.onLine(line);
    });
  }
  const exit = new Promise<ChildExit>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, complaint }));
  });
  return { process: child, pid, exit };
}

/** For people: `exit code 1: out of memory`, `SIGKILL`. */
export function describeExit({ code, signal, complaint }: ChildExit): string {
  const how = signal ?? `exit code ${code}`;
  return complaint === null ? how : `${how}: ${complaint}`;
}
