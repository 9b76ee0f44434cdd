// Gives a test suite paths in a temporary folder with `useTemporaryFolder`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

/**
 * Call it inside describe(): it registers hooks that create and remove the folder.
 * @returns a function that returns a new path with each call
 */
export function useTemporaryFolder(): () => string {
  let root = "";
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "lockstep-checkpoint-"));
  });
  after(() => rm(root, { recursive: true, force: true }));
  return () => join(root, String(count++));
}
