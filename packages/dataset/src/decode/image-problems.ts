// Finds the images that cannot be decoded (imageProblems). It decodes each distinct image once per decoder version and
// lists the good ones in a file of the cache folder: later starts and the other processes of this machine decode only
// the rest.
//
// The result depends only on the bytes and the decoder, so every process gets the same result. Images that failed are
// decoded again at every start, because a failure may have another cause (e.g. a bad read from the disk) that is gone
// next time.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Log } from "@lockstep/errors";
import { mapBounded } from "../bounded-concurrency.js";
import { type CheckedLines, readLines, writeLines } from "../checked-lines.js";
import { sha256Hex } from "../content-index.js";
import type { Progress } from "../dataset.js";
import { datasetDecoderVersion, imageProblem } from "./decode-image.js";

export interface ImageProblemsOptions {
  /** SHA-256 (hex) of each image's encoded bytes. */
  readonly contents: readonly string[];
  /** Returns the encoded bytes of the image at that index of `contents`. */
  readonly read: (place: number) => Promise<Uint8Array>;
  /** Returns the name of the image at that index of `contents`, for messages. */
  readonly nameOf: (place: number) => string;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Increase it with every change of what is checked. */
const checkVersion = 2;

/**
 * Returns for each image what is wrong (a text that follows `image "x" ` in a message), or null if the image can be
 * used.
 */
export async function imageProblems(options: ImageProblemsOptions): Promise<(string | null)[]> {
  const { contents, read, nameOf, cacheDir, log, onProgress, signal } = options;
  const file = await listFile(cacheDir);
  const decodable = new Set(await readLines(file, log));
  const problemOf = new Map<string, string>();
  const firstPlaceOf = new Map(contents.map((content, place) => [content, place]));
  const unknown = [...firstPlaceOf].filter(([content]) => !decodable.has(content));
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
      if (problem === null) decodable.add(content);
      else problemOf.set(content, problem);
    },
  });
  if (total > problemOf.size) await writeLines(file, { lines: [...decodable].sort(), cacheDir });
  log.info({ images: contents.length, checked: total, listPath: file.path }, "checked that the images can be decoded");
  return contents.map((content) => problemOf.get(content) ?? null);
}

async function listFile(cacheDir: string): Promise<CheckedLines> {
  const version = `check ${checkVersion}, ${await datasetDecoderVersion()}`;
  const path = join(cacheDir, "decodable", `${sha256Hex(version).slice(0, 32)}.txt`);
  return { path, kind: "list of decodable images", version };
}
