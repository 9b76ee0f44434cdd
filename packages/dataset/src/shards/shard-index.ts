// Owns what is remembered of a container of images (a tar shard, a Parquet file) between two starts: while its stamp stands,
// so does what was found inside, and none of it is read again.
import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Log, UserError } from "@lockstep/errors";
import type { z } from "zod";
import { cacheFailure, replaceInCache } from "../cache-dir.js";
import { reasonOf, sha256Hex } from "../content-index.js";

const formatLine = "lockstep shard index 1";

export interface ShardIndexOptions<Found> {
  /** Of the shard. */
  readonly path: string;
  /** What is looked for in it: another kind or column is another index. */
  readonly kind: string;
  readonly cacheDir: string;
  readonly log: Log;
  readonly schema: z.ZodType<Found>;
  /** Whether what was found earlier can still be used; yes where absent. */
  readonly isUsable?: (found: Found) => Promise<boolean>;
  /** Reads the shard. `key`: 32 hex digits that name its index among the others of the cache. */
  readonly read: (key: string) => Promise<Found>;
}

export async function shardIndex<Found>(options: ShardIndexOptions<Found>): Promise<Found> {
  const { path, kind, cacheDir, log, schema, read } = options;
  // Taken before the shard is read: one that changes in between is read again at the next start.
  const stamp = await stampOf(path);
  const key = sha256Hex(`${kind}\n${await realpath(path)}`).slice(0, 32);
  const indexPath = join(cacheDir, "index", `${key}.json`);
  const known = await readKnown(indexPath, schema, log);
  const isUsable = known?.stamp === stamp && ((await options.isUsable?.(known.found)) ?? true);
  if (known !== null && isUsable) return known.found;
  const found = await read(key);
  if (known !== null && JSON.stringify(known.found) !== JSON.stringify(found)) {
    log.warn({ path }, "a shard has changed since it was last indexed");
  }
  const body = JSON.stringify({ stamp, found });
  try {
    await replaceInCache(indexPath, (file) => file.writeFile(`${formatLine} ${sha256Hex(body)}\n${body}`));
  } catch (error) {
    throw cacheFailure(error, cacheDir);
  }
  log.info({ path, indexPath }, "indexed a shard by content");
  return found;
}

async function stampOf(path: string): Promise<string> {
  try {
    const { size, mtimeMs, ctimeMs } = await stat(path);
    return `${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    throw new UserError(`shard ${path} ${reasonOf(error)}; restore it and start again`);
  }
}

/** Null where the index is absent, broken or of another version. */
async function readKnown<Found>(
  path: string,
  schema: z.ZodType<Found>,
  log: Log,
): Promise<{ readonly stamp: unknown; readonly found: Found } | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    log.warn({ path, reason: String(error) }, "the index of a shard cannot be read; reading the shard again");
    return null;
  }
  const headerEnd = text.indexOf("\n");
  const body = text.slice(headerEnd + 1);
  if (text.slice(0, headerEnd) !== `${formatLine} ${sha256Hex(body)}`) {
    log.warn({ path }, "the index of a shard is broken or of another version; reading the shard again");
    return null;
  }
  const stored = JSON.parse(body) as { stamp: unknown; found: unknown }; // written above: its hash says so
  const parsed = schema.safeParse(stored.found);
  return parsed.success ? { stamp: stored.stamp, found: parsed.data } : null;
}
