// Owns how a process is told from a later one with the same pid: boot id and start time, where /proc has them.
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** Changes at each boot of the machine; null where the system has none. */
  readonly bootId: string | null;
  /** When the process started, in clock ticks since boot; null where the system does not tell. */
  readonly startTicks: string | null;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, bootId: bootId(), startTicks: processStat(process.pid)?.startTicks ?? null };
}

/** Whether that very process still runs. A zombie does not: it can hold nothing any more. */
export function isAlive(identity: ProcessIdentity): boolean {
  const boot = bootId();
  if (identity.bootId !== null && boot !== null && identity.bootId !== boot) return false;
  if (!pidExists(identity.pid)) return false;
  const stat = processStat(identity.pid);
  if (stat === null) return true;
  return stat.state !== "Z" && (identity.startTicks === null || identity.startTicks === stat.startTicks);
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // somebody else's process
  }
}

function bootId(): string | null {
  return readOrNull("/proc/sys/kernel/random/boot_id")?.trim() ?? null;
}

/** proc(5): the second field, the command's name, may hold spaces and parentheses; state is field 3, start time 22. */
function processStat(pid: number): { readonly state: string; readonly startTicks: string } | null {
  const text = readOrNull(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[22 - 3]];
  return state === undefined || startTicks === undefined ? null : { state, startTicks };
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // no /proc here, or the process has just gone
  }
}
