// Reads images that lie one after another inside of bigger files, each from its own place, in any order (packedImages).
import { open } from "node:fs/promises";
import { type Log, UserError } from "@lockstep/errors";
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

/** @param log told where names repeat */
export function packedImages(listPacked: () => Promise<PackedList>, log: Log): DatasetSource {
  let samples: readonly PackedSample[] = [];
  return {
    async list() {
      const listed = await listPacked();
      samples = listed.samples;
      warnOfRepeatedNames(samples, log);
      return listed;
    },
    async read(listIndex) {
      const sample = samples[listIndex];
      if (!sample) throw new RangeError(`image ${listIndex} is not among the ${samples.length} listed`);
      return readPlace(sample);
    },
  };
}

/**
 * Within a part. Where images are files, the name says which bytes are meant, so a name twice is one image labelled twice and
 * is refused. Here each image has bytes of its own and a name for people alone: what suffers is being told which is meant.
 */
function warnOfRepeatedNames(samples: readonly PackedSample[], log: Log): void {
  const seen = new Set<string>();
  const repeated = samples.filter(({ name, origin }) => seen.size === seen.add(`${origin} ${name}`).size);
  const [first] = repeated;
  if (first === undefined) return;
  log.warn(
    { images: repeated.length, first: first.name, namedAt: first.namedAt },
    `${repeated.length} images are called like another one of their part; each is used with its own labels`,
  );
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
