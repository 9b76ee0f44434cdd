// Determines with `livenessOf` whether a process whose identity was stored earlier (`ProcessIdentity`) still runs.
//
// A pid is unique only in one pid namespace (each container has its own) during one boot of a machine. `pidSpace` identifies
// the two together. A process of another pid space may run in another container or machine: its liveness is unknown.
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in clock ticks since boot. Null when the system does not report it. */
  readonly startTicks: string | null;
  /** 16 hex digits that identify the machine's boot and the pid namespace. Null when the system does not report them. */
  readonly pidSpace: string | null;
}

export type Liveness = "alive" | "dead" | "unknown";

export function thisProcess(): ProcessIdentity {
  return identifyProcess(process.pid);
}

/** @param pid the pid of a running process in this process's pid space */
export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startTicks: processStat(pid)?.startTicks ?? null, pidSpace: ownPidSpace() };
}

/** A zombie counts as dead: it has no open files and no locks. */
export function livenessOf(identity: ProcessIdentity): Liveness {
  if (identity.pidSpace === null || identity.pidSpace !== ownPidSpace()) return "unknown";
  if (!pidExists(identity.pid)) return "dead";
  const stat = processStat(identity.pid);
  if (stat === null) return "alive";
  const isSame = identity.startTicks === null || identity.startTicks === stat.startTicks;
  return stat.state !== "Z" && isSame ? "alive" : "dead";
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // the process belongs to another user
  }
}

let pidSpace: string | null | undefined;

/** Null without /proc, and when /proc belongs to another pid namespace: its pids belong to other processes then. */
function ownPidSpace(): string | null {
  if (pidSpace === undefined) {
    const bootId = orNull(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
    const namespace = orNull(() => readlinkSync("/proc/self/ns/pid"));
    const ownPid = orNull(() => readlinkSync("/proc/self"));
    const isKnown = bootId !== null && namespace !== null && ownPid === String(process.pid);
    pidSpace = isKnown ? createHash("sha256").update(`${bootId} ${namespace}`).digest("hex").slice(0, 16) : null;
  }
  return pidSpace;
}

/** proc(5): field 2, the command's name, may contain spaces and parentheses. Field 3 is the state, field 22 the start time. */
function processStat(pid: number): { readonly state: string; readonly startTicks: string } | null {
  const text = orNull(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[22 - 3]];
  return state === undefined || startTicks === undefined ? null : { state, startTicks };
}

/** Null when the file is absent: there is no /proc, or the process has ended meanwhile. */
function orNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
