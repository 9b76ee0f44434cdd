// Defines the errors that print as one line (`UserError`, `MachineFault`, `UnfitMachine`, `RunFailed`) and their exit codes
// (`exitCodeOf`). Any other error is a bug of Lockstep or a fault of the machine, and prints with its stack.
import { isMachineError, systemErrorIn, systemErrorText } from "./system-error.js";

export type { Log } from "./log.js";
export { type NearestOptions, nearestName } from "./nearest-name.js";
export { printable } from "./printable.js";
export { type SystemError, systemErrorIn, systemErrorText } from "./system-error.js";

/** The user can correct the cause: a flag, a path, the data. The process exits with 2. */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** The machine cannot do it now, for example because its disk is full. The same command works later. The process exits with 1. */
export class MachineFault extends UserError {
  override readonly name = "MachineFault";
}

/**
 * This machine cannot take part in the run, but others may: its libraries or its processor compute other bits, or it lacks
 * the requested backend or device. A worker exits with 3.
 */
export class UnfitMachine extends UserError {
  override readonly name = "UnfitMachine";
}

/**
 * The run cannot go on, for example because of a NaN or of a checkpoint that cannot be written. The last good checkpoint is on
 * the disk. The process exits with 1.
 */
export class RunFailed extends Error {
  override readonly name = "RunFailed";
}

/** The process exit codes that scripts may rely on. */
export const exitCode = {
  ok: 0,
  /** The run failed: a bug, a fault of the machine, too many restarts. */
  failure: 1,
  /** The user made a mistake: a wrong flag, wrong data, a resume with another run spec. */
  userError: 2,
  /** Workers only: this machine would compute other bits, or cannot compute. Another machine may; a restart here does not help. */
  unfitMachine: 3,
  /** Stopped by Ctrl-C, SIGTERM or a closed terminal, after a checkpoint was written. */
  interrupted: 130,
} as const;

/**
 * The exit code for an error that ends the process. A fault of the machine never gives 2, whatever error wraps it: a
 * supervisor may start the process again.
 */
export function exitCodeOf(error: unknown): number {
  if (isMachineFault(error)) return exitCode.failure;
  if (error instanceof UnfitMachine) return exitCode.unfitMachine;
  return error instanceof UserError ? exitCode.userError : exitCode.failure;
}

/**
 * Turns a system error into one line, `WHAT: the disk is full`. Returns every other error unchanged.
 * @param what what could not be done, for example `runs/a: cannot be written`
 */
export function asUserError(error: unknown, what: string): unknown {
  const found = systemErrorIn(error);
  if (found === null || error instanceof UserError) return error;
  const message = `${what}: ${systemErrorText(found)}`;
  return isMachineError(found) ? new MachineFault(message) : new UserError(message);
}

/** Whether a fault of the machine caused the error: a MachineFault, or such a system error among its causes. */
export function isMachineFault(error: unknown): boolean {
  if (error instanceof MachineFault) return true;
  const found = systemErrorIn(error);
  return found !== null && isMachineError(found);
}

/** One line for people, `outer: inner`: the message, then the messages of the causes that it does not contain yet. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message || error.name;
  const cause = error.cause == null ? "" : describeError(error.cause);
  return message.includes(cause) ? message : `${message}: ${cause}`;
}
