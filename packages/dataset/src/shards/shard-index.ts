// Caches what was found in a shard, i.e. a file that contains images (shardIndex). A later start uses the cached result
// and does not read the shard as long as its stamp (size and times) is unchanged.
import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Log, UserError } from "@lockstep/errors";
import type { z } from "zod";
import { cacheFailure, replaceInCache } from "../cache-dir.js";
import { reasonOf, sha256Hex } from "../content-index.js";

const formatLine = "lockstep shard index 1";

export interface ShardIndexOptions<Found> {
  /** Path of the shard. */
  readonly path: string;
  /** What is searched for in the shard. Each form and each image column has its own index. */
  readonly kind: string;
  readonly cacheDir: string;
  readonly log: Log;
  readonly schema: z.ZodType<Found>;
  /** Whether the cached result can still be used; default: it can. */
  readonly isUsable?: (found: Found) => Promise<boolean>;
  /** Reads the shard. `key` has 32 hex digits and is the name of the index in the cache. */
  readonly read: (key: string) => Promise<Found>;
}

export async function shardIndex<Found>(options: ShardIndexOptions<Found>): Promise<Found> {
  const { path, kind, cacheDir, log, schema, read } = options;
  // The stamp is taken before the shard is read: a shard that changes in between is read again at the next start.
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

/** Returns null if the index is absent, damaged or of another version. */
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
    log.warn({ path, reason: String(error) }, "the index of a shard cannot be read; the shard is read again");
    return null;
  }
  const headerEnd = text.indexOf("\n");
  const body = text.slice(headerEnd + 1);
  if (text.slice(0, headerEnd) !== `${formatLine} ${sha256Hex(body)}`) {
    log.warn({ path }, "the index of a shard is damaged or of another version; the shard is read again");
    return null;
  }
  // The cast is safe: the hash shows that shardIndex wrote the file.
  const stored = JSON.parse(body) as { stamp: unknown; found: unknown };
  const parsed = schema.safeParse(stored.found);
  return parsed.success ? { stamp: stored.stamp, found: parsed.data } : null;
}
