// Reads and writes small text files of the cache (readLines, writeLines): lines under a header that carries their SHA-256, so that a damaged one is noticed.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Log } from "@lockstep/errors";
import { cacheFailure, replaceInCache } from "./cache-dir.js";

export interface CheckedLines {
  readonly path: string;
  /** What the lines are, for people, e.g. `content index`. */
  readonly kind: string;
  /** Lines of another version are not read. */
  readonly version: string;
}

/** None where the file is absent; none, with a warning, where it is broken: what it held is found out again. */
export async function readLines(file: CheckedLines, log: Log): Promise<string[]> {
  const { path, kind } = file;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    log.warn({ path, reason: String(error) }, `the ${kind} cannot be read; it is made again`);
    return [];
  }
  const headerEnd = text.indexOf("\n");
  const body = text.slice(headerEnd + 1);
  if (text.slice(0, headerEnd) !== header(file, body)) {
    log.warn({ path }, `the ${kind} is broken or of another version; it is made again`);
    return [];
  }
  return body === "" ? [] : body.split("\n");
}

/** @throws UserError where the cache folder cannot be written to */
export async function writeLines(
  file: CheckedLines,
  { lines, cacheDir }: { readonly lines: readonly string[]; readonly cacheDir: string },
): Promise<void> {
  const body = lines.join("\n");
  try {
    await replaceInCache(file.path, (handle) => handle.writeFile(`${header(file, body)}\n${body}`));
  } catch (error) {
    throw cacheFailure(error, cacheDir);
  }
}

function header({ kind, version }: CheckedLines, body: string): string {
  return `lockstep ${kind} ${version} ${createHash("sha256").update(body).digest("hex")}`;
}
