// Gives a test the one line that a user reads (complaintOf).
import assert from "node:assert/strict";
import { UserError } from "@lockstep/errors";

export async function complaintOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail("it was accepted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError, error instanceof Error ? error.stack : String(error));
  assert.doesNotMatch(error.message, /\n/);
  return error.message;
}
