// Returns the message of the UserError that a promise rejects with (userErrorMessage), for tests.
import assert from "node:assert/strict";
import { UserError } from "@lockstep/errors";

/** Fails if the promise resolves, if it rejects with another error, or if the message has more than one line. */
export async function userErrorMessage(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail("it was accepted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError, error instanceof Error ? error.stack : String(error));
  assert.doesNotMatch(error.message, /\n/);
  return error.message;
}
