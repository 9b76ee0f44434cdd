// Owns the verdict whether an image can be decoded, found once for each content and decoder and kept in the cache folder:
// a second start and the other processes of this machine do not decode everything again. It depends on nothing but the
// bytes and the decoder, so every process decides alike. Only good verdicts are kept: the few images that failed are decoded
// at every start, so that one that failed for another reason (a damaged read, a machine in trouble) is not lost for good.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Log } from "@lockstep/errors";
import { mapBounded } from "./bounded-concurrency.js";
import { datasetDecoderVersion, imageProblem } from "./cache/decode.js";
import { type CheckedLines, readLines, writeLines } from "./checked-lines.js";
import { sha256Hex } from "./content-index.js";
import type { Progress } from "./dataset.js";

export interface ImageVerdictsOptions {
  /** SHA-256 (hex) of each image's encoded bytes. */
  readonly contents: readonly string[];
  /** Encoded bytes of the image at that place. */
  readonly read: (place: number) => Promise<Uint8Array>;
  /** Of the image at that place, for the complaint. */
  readonly nameOf: (place: number) => string;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Changes with every change of what is checked. */
const checkVersion = 2;

/** What is wrong with each image (reads on from `image "x" ...`); null where it can be used. */
export async function imageVerdicts(options: ImageVerdictsOptions): Promise<(string | null)[]> {
  const { contents, read, nameOf, cacheDir, log, onProgress, signal } = options;
  const file = await verdictFile(cacheDir);
  const good = new Set(await readLines(file, log));
  const problemOf = new Map<string, string>();
  const firstPlaceOf = new Map(contents.map((content, place) => [content, place]));
  const unknown = [...firstPlaceOf].filter(([content]) => !good.has(content));
  const total = unknown.length;
  if (total > 0) onProgress?.({ stage: "checking", done: 0, total });
  await mapBounded({
    items: unknown,
    limit: availableParallelism() + 2, // some wait for the disk while the others decode
    signal,
    onDone: (done) => {
      if (done % 64 === 0 || done === total) onProgress?.({ stage: "checking", done, total });
    },
    work: async ([content, place]) => {
      const problem = await imageProblem(await read(place), nameOf(place));
      if (problem === null) good.add(content);
      else problemOf.set(content, problem);
    },
  });
  if (total > problemOf.size) await writeLines(file, { lines: [...good].sort(), cacheDir });
  log.info(
    { images: contents.length, checked: total, verdictPath: file.path },
    "checked that the images can be decoded",
  );
  return contents.map((content) => problemOf.get(content) ?? null);
}

async function verdictFile(cacheDir: string): Promise<CheckedLines> {
  const version = `check ${checkVersion}, ${await datasetDecoderVersion()}`;
  const path = join(cacheDir, "verdicts", `${sha256Hex(version).slice(0, 32)}.txt`);
  return { path, kind: "list of image verdicts", version };
}
