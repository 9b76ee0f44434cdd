// Writes the pack of a Parquet file (imagePack): a file of the cache folder with all images of the Parquet file one
// after another, and an index with the size of each.
//
// Inside the Parquet file an image is part of a page that is compressed or refers to a dictionary, and samples are read
// in the order of their hashes: without the pack, reading an image would mean decoding a whole page. The pack needs as
// much disk space as the images. Its key is made of the Parquet file and its column; its index is valid as long as the
// size and times of the Parquet file are unchanged. The hash of the pack is checked at every start, and a damaged pack
// is written again. Images that are read from it later are checked by their own hashes, as in every form.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "@lockstep/errors";
import { writeAll } from "@lockstep/files";
import { z } from "zod";
import { cacheFailure, replaceInCache } from "../cache-dir.js";
import { sha256Hex } from "../content-index.js";
import type { FormOptions } from "../forms/form-options.js";
import { shardIndex } from "../shards/shard-index.js";
import { columnPages } from "./column-pages.js";
import type { ImageColumn, ParquetFile } from "./parquet-file.js";

/**
 * `rows` holds for each row the size in bytes and the hash, or null for a row without bytes; `names` the names that the
 * Parquet file gives.
 */
const packIndex = z.strictObject({
  packPath: z.string(),
  packBytes: z.number(),
  /** SHA-256 (hex) of the whole pack. */
  packSha256: z.string(),
  rows: z.array(z.tuple([z.number(), z.string()]).nullable()),
  names: z.array(z.string().nullable()),
});
export type PackIndex = z.infer<typeof packIndex>;

export interface ImagePackOptions extends FormOptions {
  readonly parquet: ParquetFile;
  readonly image: ImageColumn;
  /** Called after each page with the number of rows of this file that have been read. */
  readonly onRows: (rows: number) => void;
}

export function imagePack({ parquet, image, cacheDir, log, signal, onRows }: ImagePackOptions): Promise<PackIndex> {
  const { path, numRows } = parquet;
  return shardIndex({
    ...{ path, cacheDir, log, schema: packIndex },
    kind: `parquet ${image.bytesPath.join(".")}`,
    isUsable: (found) => isWhole(found, log, signal),
    async read(key) {
      const packPath = join(cacheDir, "packs", `${key}.pack`);
      const names =
        image.namePath === null ? new Array<null>(numRows).fill(null) : await namesIn(parquet, image.namePath);
      const rows: PackIndex["rows"] = [];
      let packBytes = 0;
      const hash = createHash("sha256");
      try {
        await replaceInCache(packPath, async (file) => {
          for await (const page of columnPages(parquet, { columnPath: image.bytesPath, asBytes: true })) {
            signal?.throwIfAborted();
            const values = page.values as (Uint8Array | null)[]; // imageColumnOf only returns columns of bytes
            for (const bytes of values) rows.push(bytes === null ? null : [bytes.length, sha256Hex(bytes)]);
            const present = values.filter((bytes) => bytes !== null);
            for (const bytes of present) hash.update(bytes);
            await writeAll(file, Buffer.concat(present));
            packBytes += present.reduce((sum, bytes) => sum + bytes.length, 0);
            onRows(rows.length);
          }
        });
      } catch (error) {
        throw cacheFailure(error, cacheDir);
      }
      return { packPath, packBytes, packSha256: hash.digest("hex"), rows, names };
    },
  });
}

/** Whether the pack is undamaged. It logs why if it is not, except for an absent pack: users may remove caches. */
async function isWhole(
  { packPath, packBytes, packSha256 }: PackIndex,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const found = await stat(packPath).catch(() => null);
  if (found === null) return false;
  const reason =
    found.size === packBytes
      ? await damageOf(packPath, packSha256, signal)
      : `it has ${found.size} bytes, not ${packBytes}`;
  if (reason !== null) log.warn({ path: packPath, reason }, "a pack of images is damaged and is written again");
  return reason === null;
}

/** Returns null if the bytes are those that were written, otherwise what is wrong. */
async function damageOf(path: string, expected: string, signal: AbortSignal | undefined): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk as Buffer);
  } catch (error) {
    signal?.throwIfAborted();
    return `it cannot be read (${(error as Error).message})`;
  }
  return hash.digest("hex") === expected ? null : "it does not have the hash that it was written with";
}

async function namesIn(parquet: ParquetFile, columnPath: readonly string[]): Promise<(string | null)[]> {
  const names: (string | null)[] = [];
  for await (const { values } of columnPages(parquet, { columnPath, asBytes: true })) {
    for (const bytes of values) names.push(bytes === null ? null : Buffer.from(bytes as Uint8Array).toString("utf8"));
  }
  return names;
}
