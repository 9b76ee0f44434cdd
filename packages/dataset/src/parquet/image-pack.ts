// Writes and reads the pack of a Parquet file: its images, one after another, in a file of the cache folder, and where each begins.
// Inside the Parquet file an image lies in a page that is compressed or refers to a dictionary, and samples are read in the
// order of their hashes: without the pack each image would cost a page. The pack takes as much disk as the images do. It is
// keyed by the Parquet file, its column and its stamp. Its hash is checked at every start, and a broken pack is made again;
// what is read from it later is checked by hash, as from everywhere.

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

/** By row: bytes in the pack, their hash and what the file calls the image; null where the row has no bytes. */
const packIndex = z.strictObject({
  packPath: z.string(),
  packBytes: z.number(),
  /** Hex, of the whole pack. */
  packSha256: z.string(),
  rows: z.array(z.tuple([z.number(), z.string()]).nullable()),
  names: z.array(z.string().nullable()),
});
export type PackIndex = z.infer<typeof packIndex>;

export interface ImagePackOptions extends FormOptions {
  readonly parquet: ParquetFile;
  readonly image: ImageColumn;
  /** Called now and then with the rows done in this file. */
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
            const values = page.values as (Uint8Array | null)[]; // as imageColumnOf has looked
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

/** Says why where it is not. An absent one is no surprise: caches may be removed. */
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
  if (reason !== null) log.warn({ path: packPath, reason }, "a pack of images is broken; making it again");
  return reason === null;
}

/** Null where the bytes are those that were written. */
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
