// Reads from `OUT/summary.json` how the coordinator before this one ended: `readPreviousEnd`. A coordinator that failed or
// was killed has left no summary.
import { describeError, type Log } from "@lockstep/errors";
import { runSummary } from "@lockstep/protocol";
import type { PreviousEnd } from "../tell/goodput.js";
import type { RunFolder } from "./run-folder.js";

export const summaryFile = "summary.json";

/** Null: it failed or was killed, or there was none. */
export async function readPreviousEnd(folder: RunFolder, log: Log): Promise<PreviousEnd | null> {
  const text = await folder.readText(summaryFile);
  if (text === null) return null;
  try {
    return { wallSeconds: runSummary.parse(JSON.parse(text)).goodput.wallSeconds };
  } catch (error) {
    const path = `${folder.path}/${summaryFile}`;
    log.warn({ path }, `the time that the run took before is not known: ${describeError(error)}`);
    return { wallSeconds: null };
  }
}
