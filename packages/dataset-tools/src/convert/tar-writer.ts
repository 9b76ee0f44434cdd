// Writes WebDataset shards (tarWriter): PART-000000.tar with N.jpg and then N.json for each sample.
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { PartName } from "@lockstep/dataset";
import { type Pack, pack } from "tar-stream";
import type { FormWriter, FormWriterOptions } from "./form-writer.js";

interface OpenShard {
  readonly archive: Pack;
  /** Resolves when the shard is flushed to the disk; rejects if it cannot be written. */
  readonly written: Promise<void>;
  images: number;
}

/** Members have no time and no owner, so that the same samples give the same bytes. */
const memberAttributes = { mode: 0o644, mtime: new Date(0) };

export function tarWriter({ folder, shardImages }: FormWriterOptions): FormWriter {
  const shards = new Map<PartName, OpenShard>();
  const shardsBegun = { train: 0, val: 0, test: 0 };

  const begin = (part: PartName): OpenShard => {
    const path = join(folder, `${part}-${String(shardsBegun[part]++).padStart(6, "0")}.tar`);
    const archive = pack();
    // `archive` is a streamx stream. It behaves like a stream of Node but has other types.
    const source = archive as unknown as NodeJS.ReadableStream;
    const written = pipeline(source, createWriteStream(path, { flags: "wx", flush: true }));
    written.catch(() => {}); // writeMember or end() reports the error
    return { archive, written, images: 0 };
  };
  const end = async (part: PartName, { archive, written }: OpenShard): Promise<void> => {
    archive.finalize();
    await written;
    shards.delete(part);
  };

  return {
    async add(samples) {
      for (const { part, stem, ending, bytes, labels } of samples) {
        const shard = shards.get(part) ?? begin(part);
        shards.set(part, shard);
        await writeMember(shard, `${stem}.${ending}`, bytes);
        await writeMember(shard, `${stem}.json`, Buffer.from(`${JSON.stringify(labels)}\n`));
        shard.images += 1;
        if (shard.images === shardImages) await end(part, shard);
      }
    },
    async finish() {
      for (const [part, shard] of shards) await end(part, shard);
    },
    async abandon() {
      for (const { archive, written } of shards.values()) {
        archive.destroy();
        await written.catch(() => {});
      }
    },
  };
}

/** Resolves when the next member can be written. */
async function writeMember({ archive, written }: OpenShard, name: string, bytes: Uint8Array): Promise<void> {
  const accepted = new Promise<void>((resolve, reject) => {
    const member = archive.entry({ name, size: bytes.length, ...memberAttributes }, (error) =>
      error ? reject(error) : resolve(),
    );
    member.end(bytes);
  });
  await Promise.race([accepted, written]);
}
