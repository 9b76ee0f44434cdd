// Finds out with `livenessOf` whether a process that was written down earlier still runs.
//
// A pid means something only in one pid namespace (each container has its own) during one boot of a machine. `pidSpace`
// stands for these two. Nothing is known of a process of another pid space: it may run in another container or machine.
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in clock ticks since boot. Null where the system does not report it. */
  readonly startTicks: string | null;
  /** 16 hex digits that stand for the machine's boot and the pid namespace. Null where the system does not report them. */
  readonly pidSpace: string | null;
}

export type Liveness = "alive" | "dead" | "unknown";

export function thisProcess(): ProcessIdentity {
  return identifyProcess(process.pid);
}

/** @param pid of a process that runs, in this process's own pid space */
export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startTicks: processStat(pid)?.startTicks ?? null, pidSpace: ownPidSpace() };
}

/** A zombie counts as dead: it holds nothing any more. */
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
    return (error as NodeJS.ErrnoException).code === "EPERM"; // a process of another user
  }
}

let pidSpace: string | null | undefined;

/** Null without /proc, and where /proc belongs to another pid namespace: its numbers are other processes then. */
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

/** proc(5): the second field, the command's name, may hold spaces and parentheses. State is field 3, start time field 22. */
function processStat(pid: number): { readonly state: string; readonly startTicks: string } | null {
  const text = orNull(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[22 - 3]];
  return state === undefined || startTicks === undefined ? null : { state, startTicks };
}

/** Null where the file is absent: there is no /proc, or the process has ended meanwhile. */
function orNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
