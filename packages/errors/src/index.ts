// Owns the one error type for a mistake that a person can mend: it prints as one line, and the process exits with 2.
// Everything else that is thrown is a bug of ours or of the machine, and keeps its stack.

export { type NearestOptions, nearestName } from "./nearest-name.js";

export class UserError extends Error {
  override readonly name = "UserError";
}

/** The process exit codes that scripts may rely on. */
export const exitCode = {
  ok: 0,
  /** The run failed: a bug, a lost machine, too many restarts. */
  failure: 1,
  /** The user's mistake: bad flag, bad data, refused resume. */
  userError: 2,
  /** Stopped by Ctrl-C or SIGTERM after a clean checkpoint. */
  interrupted: 130,
} as const;

/** One line for people, with the causes behind it, `outer: inner`, where the message does not say them itself. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message || error.name;
  const cause = error.cause === undefined ? "" : describeError(error.cause);
  return message.includes(cause) ? message : `${message}: ${cause}`;
}
