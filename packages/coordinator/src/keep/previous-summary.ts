// Owns how the coordinator's life before this one ended, as its `OUT/summary.json` tells; one that failed or broke off
// has left none.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeError, type Log } from "@lockstep/errors";
import type { PreviousEnd } from "../tell/goodput.js";
import { restoreGoodput } from "./bookkeeping.js";
import { summaryFile } from "./summary.js";

/** Takes the former result away, as it is not this life's. Null: it broke off. */
export async function takePreviousSummary(out: string, log: Log): Promise<PreviousEnd | null> {
  const path = join(out, summaryFile);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  await rm(path, { force: true });
  try {
    const goodput = restoreGoodput(JSON.parse(text).goodput);
    return { wallSeconds: goodput?.wallSeconds ?? null };
  } catch (error) {
    log.warn({ path }, `the former life's time is not known: ${describeError(error)}`);
    return { wallSeconds: null };
  }
}
