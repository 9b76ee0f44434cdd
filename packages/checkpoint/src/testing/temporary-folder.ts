// Owns a folder that lives as long as a test file's suite.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

/** Registers its own hooks; call it inside describe(). Gives a fresh path for each call of the returned function. */
export function useTemporaryFolder(): () => string {
  let root = "";
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "lockstep-checkpoint-"));
  });
  after(() => rm(root, { recursive: true, force: true }));
  return () => join(root, String(count++));
}
