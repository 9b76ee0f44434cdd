// Owns process ids that are nobody's, for tests of what killed processes leave behind.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The id of a process that has ended. */
export async function deadProcess(): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", "process.stdout.write(String(process.pid))"]);
  return Number(stdout);
}
