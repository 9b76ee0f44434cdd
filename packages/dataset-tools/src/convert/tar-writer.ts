// Writes WebDataset shards (tarWriter): PART-000000.tar with N.jpg, then N.json.
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { PartName } from "@lockstep/dataset";
import { type Pack, pack } from "tar-stream";
import type { FormWriter, FormWriterOptions } from "./form-writer.js";

interface OpenShard {
  readonly archive: Pack;
  /** Settles when the shard is on the disk. */
  readonly written: Promise<void>;
  images: number;
}

/** Members carry no time and no owner: the same samples make the same bytes. */
const memberFacts = { mode: 0o644, mtime: new Date(0) };

export function tarWriter({ folder, shardImages }: FormWriterOptions): FormWriter {
  const shards = new Map<PartName, OpenShard>();
  const shardsBegun = { train: 0, val: 0, test: 0 };

  const begin = (part: PartName): OpenShard => {
    const path = join(folder, `${part}-${String(shardsBegun[part]++).padStart(6, "0")}.tar`);
    const archive = pack();
    // A streamx stream, which is one of Node's but for its types.
    const source = archive as unknown as NodeJS.ReadableStream;
    const written = pipeline(source, createWriteStream(path, { flags: "wx", flush: true }));
    written.catch(() => {}); // the next member's writing, or the end, tells
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

/** Resolves when there is room for the next. */
async function writeMember({ archive, written }: OpenShard, name: string, bytes: Uint8Array): Promise<void> {
  const taken = new Promise<void>((resolve, reject) => {
    const member = archive.entry({ name, size: bytes.length, ...memberFacts }, (error) =>
      error ? reject(error) : resolve(),
    );
    member.end(bytes);
  });
  await Promise.race([taken, written]);
}
