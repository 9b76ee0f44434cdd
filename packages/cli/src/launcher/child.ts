// `startChild` starts a `lockstep` process with an IPC channel, and reads its output line by line.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { environmentOfChildren } from "../settings/environment.js";

/** The same start file that an operator runs. */
const lockstepPath = fileURLToPath(new URL("../../bin/lockstep.js", import.meta.url));

/** Prefix of the line that a process prints about a user's mistake before it exits with 2. The launcher prints the line again. */
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
  /** Never rejects. Resolves when the process has ended and all its output was read. */
  readonly exit: Promise<ChildExit>;
}

/**
 * Tensors are buffers of megabytes outside of the heap. The heap is small and collected often: waking threads for each collection
 * costs more than they save (upload of 10 MB over a unix socket: 37 ms with threads, 20 ms without).
 */
const nodeFlags = ["--single-threaded-gc"];

/** @throws Error if the process cannot be started */
export function startChild(options: {
  readonly args: readonly string[];
  readonly onLine: (line: string) => void;
  /** Text for the process's stdin; by default it has none. */
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
    child.on("error", () => {}); // reported by the throw below
    throw new Error(`cannot start ${process.execPath} ${options.args.join(" ")}`);
  }
  child.stdin?.on("error", () => {}); // the process ended without reading; its exit is reported
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

/** @returns text such as `exit code 1: out of memory` or `SIGKILL` */
export function describeExit({ code, signal, complaint }: ChildExit): string {
  const how = signal ?? `exit code ${code}`;
  return complaint === null ? how : `${how}: ${complaint}`;
}
