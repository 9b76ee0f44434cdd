// Reads how the previous coordinator ended from `OUT/summary.json`: `readPreviousEnd`. A coordinator that failed or was
// killed leaves no summary.
import { describeError, type Log } from "@lockstep/errors";
import { runSummary } from "@lockstep/protocol";
import type { PreviousEnd } from "../tell/goodput.js";
import type { RunFolder } from "./run-folder.js";

export const summaryFile = "summary.json";

/** Null when the previous coordinator failed or was killed, or when there was none. */
export async function readPreviousEnd(folder: RunFolder, log: Log): Promise<PreviousEnd | null> {
  const text = await folder.readText(summaryFile);
  if (text === null) return null;
  try {
    return { wallSeconds: runSummary.parse(JSON.parse(text)).goodput.wallSeconds };
  } catch (error) {
    const path = `${folder.path}/${summaryFile}`;
    log.warn({ path }, `the run's earlier duration is unknown: ${describeError(error)}`);
    return { wallSeconds: null };
  }
}
