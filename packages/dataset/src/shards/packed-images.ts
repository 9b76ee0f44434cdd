// Reads images that are stored inside larger files, each at its own offset, in any order (packedImages).
import { open } from "node:fs/promises";
import { type Log, UserError } from "@lockstep/errors";
import { reasonOf } from "../content-index.js";
import type { DatasetSource, SourceList, SourceSample } from "../dataset.js";

export interface PackedSample extends SourceSample {
  /** The file that holds the bytes. */
  readonly path: string;
  /** Bytes from the start of that file. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

export interface PackedList extends SourceList {
  readonly samples: readonly PackedSample[];
}

/** @param log receives a warning if several images of a part have the same name */
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
 * Warns about names that several images of a part have. If images are files, a repeated name is one image with two rows
 * and is refused. Here each image has its own bytes, and the name is only shown to people, so a repeated name only
 * makes messages ambiguous.
 */
function warnOfRepeatedNames(samples: readonly PackedSample[], log: Log): void {
  const seen = new Set<string>();
  const repeated = samples.filter(({ name, origin }) => seen.size === seen.add(`${origin} ${name}`).size);
  const [first] = repeated;
  if (first === undefined) return;
  log.warn(
    { images: repeated.length, first: first.name, namedAt: first.namedAt },
    `${repeated.length} images have the same name as another image of their part; each is used with its own labels`,
  );
}

/** Returns fewer than `size` bytes if the file has become shorter. The caller detects that by the hash. */
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
