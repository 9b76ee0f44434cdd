// `writeSkippedImages` writes OUT/skipped.csv: the labelled images that a run does not use because they are missing or broken
// (--on-bad-image skip), each with its reason.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { UnusableImage } from "@lockstep/dataset";
import { replaceFile } from "@lockstep/files";
import { stringify } from "csv-stringify/sync";
import { runFiles } from "./run-folder.js";

/** Called at each start. If every image can be used, the file is removed. */
export async function writeSkippedImages(out: string, skipped: readonly UnusableImage[]): Promise<void> {
  const path = join(out, runFiles.skipped);
  if (skipped.length === 0) return rm(path, { force: true });
  const rows = skipped.map(({ name, namedAt, problem }) => [name, namedAt, problem]);
  await replaceFile(path, stringify([["file", "where", "reason"], ...rows], { quoted_match: /[\r\n]/ }));
}
