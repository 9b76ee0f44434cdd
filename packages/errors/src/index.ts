// Defines what every package uses to report: errors that print as one line (`UserError`, `MachineFault`, `UnfitMachine`,
// `RunFailed`), the exit code of each (`exitCodeOf`), and the `Log`. Any other error that is thrown is a bug of ours or a fault of
// the machine, and keeps its stack.
import { isOfMachine, systemErrorIn, systemErrorText } from "./system-error.js";

export type { Log } from "./log.js";
export { type NearestOptions, nearestName } from "./nearest-name.js";
export { printable } from "./printable.js";
export { type SystemError, systemErrorIn, systemErrorText } from "./system-error.js";

/** The process exits with 2. */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** The machine cannot do it now: its disk is full or fails, say. The same command works once that is mended: the process exits with 1. */
export class MachineFault extends UserError {
  override readonly name = "MachineFault";
}

/**
 * This machine cannot take part in a run, others may: its libraries or its processor compute other bits, or it
 * lacks the requested backend or device. A worker exits with 3.
 */
export class UnfitMachine extends UserError {
  override readonly name = "UnfitMachine";
}

/** The run cannot go on: a NaN, a checkpoint that cannot be written. The last good state is on the disk; the process exits with 1. */
export class RunFailed extends Error {
  override readonly name = "RunFailed";
}

/** The process exit codes that scripts may rely on. */
export const exitCode = {
  ok: 0,
  /** The run failed: a bug, a lost machine, too many restarts. */
  failure: 1,
  /** The user's mistake: bad flag, bad data, refused resume. */
  userError: 2,
  /** A worker's: its machine would compute other bits, or not at all. Another machine may do; the same one will not. */
  unfitMachine: 3,
  /** Stopped by Ctrl-C, SIGTERM or a closed terminal, after a clean checkpoint. */
  interrupted: 130,
} as const;

/** What a full or failing disk has caused is no mistake of the user, whatever wraps it: a supervisor may start the process again. */
export function exitCodeOf(error: unknown): number {
  if (isMachineFault(error)) return exitCode.failure;
  if (error instanceof UnfitMachine) return exitCode.unfitMachine;
  return error instanceof UserError ? exitCode.userError : exitCode.failure;
}

/** A system error as one line, `WHAT: the disk is full`. Every other error is returned as it is. */
export function asUserError(error: unknown, what: string): unknown {
  const found = systemErrorIn(error);
  if (found === null || error instanceof UserError) return error;
  const message = `${what}: ${systemErrorText(found)}`;
  return isOfMachine(found) ? new MachineFault(message) : new UserError(message);
}

/** Whether the machine is at fault: a check found it before the work, or the system reported it. */
export function isMachineFault(error: unknown): boolean {
  if (error instanceof MachineFault) return true;
  const found = systemErrorIn(error);
  return found !== null && isOfMachine(found);
}

/** One line for people: the message, then the messages of its causes that it does not contain, `outer: inner`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message || error.name;
  const cause = error.cause == null ? "" : describeError(error.cause);
  return message.includes(cause) ? message : `${message}: ${cause}`;
}
