// Owns images that lie one after another inside of bigger files: each is read from its own place, in any order.
import { open } from "node:fs/promises";
import { UserError } from "@lockstep/errors";
import { reasonOf } from "../content-index.js";
import type { DatasetSource, SourceList, SourceSample } from "../dataset.js";

export interface PackedSample extends SourceSample {
  /** The file that the bytes lie in. */
  readonly path: string;
  /** From the start of that file. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

export interface PackedList extends SourceList {
  readonly samples: readonly PackedSample[];
}

export function packedImages(listPacked: () => Promise<PackedList>): DatasetSource {
  let samples: readonly PackedSample[] = [];
  return {
    async list() {
      const listed = await listPacked();
      samples = listed.samples;
      return listed;
    },
    async read(listIndex) {
      const sample = samples[listIndex];
      if (!sample) throw new RangeError(`image ${listIndex} is not among the ${samples.length} listed`);
      return readPlace(sample);
    },
  };
}

/** A shorter result means that the file has shrunk: its hash tells. */
async function readPlace({ name, path, offset, size }: PackedSample): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new UserError(`image "${name}": ${path} ${reasonOf(error)}; restore it and start again`);
  }
}
