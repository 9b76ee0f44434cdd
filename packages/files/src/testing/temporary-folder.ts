// Creates a temporary folder for one test with `temporaryFolder`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** @returns the path of a new folder, which is removed when the test ends */
export async function temporaryFolder(test: Pick<TestContext, "after">): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "lockstep-files-"));
  test.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
