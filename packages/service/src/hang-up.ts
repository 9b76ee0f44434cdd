// Finds out with `ignoresHangUp` whether this process was started to outlive its terminal: by `nohup`, or by a shell that
// ignores SIGHUP. Node sets every signal back to its default before it runs a script (node.cc, ResetSignalHandlers), so the
// process' own state no longer shows what it inherited. Three traces are left. A start that leaves none of them is taken for an
// ordinary one: a hang-up then stops the process in order.
import { readFileSync } from "node:fs";

const hangUpBit = 1n; // SIGHUP is signal 1; the mask begins with it
const accessModeBits = 0o3;
const writeOnly = 0o1;

export interface HangUpTraces {
  /** `_` of the environment: bash, ksh and zsh set it to the program that they start. */
  readonly startedBy: string | undefined;
  /** Files of /proc; null where they cannot be read, as on macOS. */
  readonly parentStatus: string | null;
  readonly stdinInfo: string | null;
}

export function ignoresHangUp(traces: HangUpTraces = readTraces()): boolean {
  if (traces.startedBy !== undefined && /(^|\/)nohup$/.test(traces.startedBy)) return true;
  // A child inherits what its parent ignores, and a shell does not end an ignoring that it inherited itself.
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(traces.parentStatus ?? "")?.[1];
  if (ignored !== undefined && (BigInt(`0x${ignored}`) & hangUpBit) !== 0n) return true;
  // In place of a terminal, GNU nohup opens /dev/null as stdin, and opens it for writing, so that reading fails.
  const stdinFlags = /^flags:\s*([0-7]+)$/m.exec(traces.stdinInfo ?? "")?.[1];
  return stdinFlags !== undefined && (Number.parseInt(stdinFlags, 8) & accessModeBits) === writeOnly;
}

function readTraces(): HangUpTraces {
  return {
    startedBy: process.env["_"],
    parentStatus: textOrNull(`/proc/${process.ppid}/status`),
    stdinInfo: textOrNull("/proc/self/fdinfo/0"),
  };
}

function textOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // not Linux, or another user's process: the other traces decide
  }
}
