// Reads and writes small text files of the cache (readLines, writeLines). The first line holds the SHA-256 of the other
// lines, so that a damaged file is detected.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Log } from "@lockstep/errors";
import { cacheFailure, replaceInCache } from "./cache-dir.js";

export interface CheckedLines {
  readonly path: string;
  /** Describes the lines in messages, e.g. `content index`. */
  readonly kind: string;
  /** A file with another version is not read. */
  readonly version: string;
}

/**
 * Returns no lines if the file is absent. Returns no lines and logs a warning if it is damaged: the caller computes
 * them again.
 */
export async function readLines(file: CheckedLines, log: Log): Promise<string[]> {
  const { path, kind } = file;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    log.warn({ path, reason: String(error) }, `the ${kind} cannot be read and is written again`);
    return [];
  }
  const headerEnd = text.indexOf("\n");
  const body = text.slice(headerEnd + 1);
  if (text.slice(0, headerEnd) !== header(file, body)) {
    log.warn({ path }, `the ${kind} is damaged or of another version and is written again`);
    return [];
  }
  return body === "" ? [] : body.split("\n");
}

/** @throws UserError if the cache folder cannot be written to */
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
