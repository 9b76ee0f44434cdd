// Computes the content hashes of the images of a folder and caches them (contentIndex): the next start reads only the
// files whose size or times have changed. Labels are not cached, so an edited label file always takes effect.
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { type Log, UserError } from "@lockstep/errors";
import { mapBounded } from "./bounded-concurrency.js";
import { readLines, writeLines } from "./checked-lines.js";
import type { Progress } from "./dataset.js";
import { sizeProblem } from "./decode/image-limits.js";
import { quoted } from "./labels/quoted.js";

export interface IndexedFile {
  /** Relative to the folder. */
  readonly file: string;
}

export interface ContentIndexOptions {
  readonly folder: string;
  readonly files: readonly IndexedFile[];
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Size and times of a file. As long as they are unchanged, the cached hash is used. */
interface FileStamp {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

interface IndexEntry extends FileStamp {
  /** Hex. */
  readonly sha256: string;
}

const maxFilesAtOnce = 16;

/** The SHA-256 (hex) of a file, or why the file cannot be used (a text that follows `image "x" ` in a message). */
export type IndexedContent = { readonly sha256: string } | { readonly problem: string };

/**
 * Returns the SHA-256 (hex) of each file, or what is wrong with the file, in the order of `files`.
 * @throws UserError if the machine is at fault (see fileProblem) or the cache folder cannot be written to
 */
export async function contentIndex(options: ContentIndexOptions): Promise<IndexedContent[]> {
  const { files, cacheDir, log, signal, onProgress } = options;
  const folder = await realpath(options.folder);
  const path = join(cacheDir, "index", `${sha256Hex(folder).slice(0, 32)}.txt`);
  const index = { path, kind: "content index", version: "1" };
  const known = entriesOf(await readLines(index, log));
  // Stamps are taken before the bytes are read: a file that changes in between is hashed again at the next start.
  const stamps = await readStamps(folder, files, signal);
  const total = files.length;
  onProgress?.({ stage: "indexing", done: 0, total });
  let numHashed = 0;
  const contents = await mapBounded({
    items: files,
    limit: maxFilesAtOnce,
    signal,
    onDone: (done) => {
      if (done % 256 === 0 || done === total) onProgress?.({ stage: "indexing", done, total });
    },
    work: async ({ file }, place): Promise<IndexedContent> => {
      const stamp = stamps[place] as FileStamp | { problem: string }; // there is one stamp for each file
      if ("problem" in stamp) return stamp;
      const entry = known.get(file);
      if (entry && sameStamp(entry, stamp)) return { sha256: entry.sha256 };
      numHashed += 1;
      return hashFile(folder, file);
    },
  });
  const entries = files.flatMap(({ file }, place) => {
    const [stamp, content] = [stamps[place], contents[place]];
    return stamp && content && !("problem" in stamp) && "sha256" in content ? [{ file, ...stamp, ...content }] : [];
  });
  const changed = entries.filter(({ file, sha256 }) => (known.get(file)?.sha256 ?? sha256) !== sha256);
  if (changed.length > 0) {
    log.warn({ images: changed.length, first: changed[0]?.file }, "images have changed since they were last indexed");
  }
  const requested = new Set(files.map(({ file }) => file));
  // Entries for images that only other label files of this folder name: they are kept for starts with those label
  // files.
  const others = [...known].flatMap(([file, entry]) => (requested.has(file) ? [] : [{ file, ...entry }]));
  if (numHashed > 0 || known.size !== entries.length + others.length) {
    const lines = [...entries, ...(await presentOf(folder, others, signal))].map(lineOf);
    await writeLines(index, { lines, cacheDir });
  }
  log.info({ images: total, hashed: numHashed, indexPath: path }, "indexed the images by content");
  return contents;
}

export function sha256Hex(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Returns the files that still exist or cannot be checked, so that the index does not grow without limit. */
async function presentOf<T extends IndexedFile>(
  folder: string,
  files: readonly T[],
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const work = ({ file }: T): Promise<boolean> =>
    lstat(join(folder, file)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== "ENOENT" && error.code !== "ENOTDIR",
    );
  const isPresent = await mapBounded({ items: files, limit: maxFilesAtOnce, signal, work });
  return files.filter((_, place) => isPresent[place]);
}

async function readStamps(
  folder: string,
  files: readonly IndexedFile[],
  signal: AbortSignal | undefined,
): Promise<(FileStamp | { problem: string })[]> {
  return mapBounded({
    items: files,
    limit: maxFilesAtOnce,
    signal,
    work: async ({ file }) => {
      try {
        const stats = await statInside(folder, file);
        if (stats === null) return { problem: `is a link to a file outside ${folder}` };
        if (!stats.isFile()) return { problem: `is not a file in ${folder}` };
        const problem = sizeProblem(stats.size);
        if (problem !== null) return { problem: `${problem} in ${folder}` };
        return { size: stats.size, mtimeMs: stats.mtimeMs, ctimeMs: stats.ctimeMs };
      } catch (error) {
        return { problem: fileProblem(error, folder, file) };
      }
    },
  });
}

/**
 * Returns the stats of a file, or null if it is a link to a file outside. A data folder that somebody else packed may
 * hold links to any file of this machine. So the target of a link to a file must be in the data folder, or in the
 * folder that really holds the link. Links to folders are followed, because people use them to keep large image folders
 * elsewhere.
 */
async function statInside(folder: string, file: string): Promise<Stats | null> {
  const path = join(folder, file);
  const stats = await lstat(path);
  if (!stats.isSymbolicLink()) return stats;
  const [target, parent] = await Promise.all([realpath(path), realpath(dirname(path))]);
  const isInside = [folder, parent].some((root) => target.startsWith(root.endsWith(sep) ? root : root + sep));
  return isInside ? stat(target) : null;
}

async function hashFile(folder: string, file: string): Promise<IndexedContent> {
  try {
    return { sha256: sha256Hex(await readFile(join(folder, file))) };
  } catch (error) {
    return { problem: fileProblem(error, folder, file) };
  }
}

/** Errors that stay until somebody changes the file. Any other error is a fault of the machine and may be temporary. */
const permanentCodes = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "EISDIR", "ELOOP", "EACCES", "EPERM"]);

/**
 * Describes why a file cannot be read; the text follows `image "x" ` in a message.
 * @throws UserError if the machine is at fault: then no image may be left out because of it
 */
export function fileProblem(error: unknown, folder: string, file: string): string {
  const problem = `${reasonOf(error)} in ${folder}`;
  if (permanentCodes.has((error as NodeJS.ErrnoException).code ?? "")) return problem;
  throw new UserError(
    `image ${quoted(file)} ${problem}: the machine is at fault, not the image; repair the cause and start again`,
  );
}

/** Describes an error of node:fs; the text follows `image "x" ` or `shard path ` in a message. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException; // node:fs throws no other errors
  if (code === "ENOENT" || code === "ENOTDIR") return "is missing";
  if (code === "EACCES" || code === "EPERM") return "may not be read (permission denied)";
  if (code === "EISDIR") return "is not a file";
  if (code === "ELOOP") return "is a link that leads to no file";
  if (code === "EMFILE") return "cannot be read (this process has too many files open: raise the limit, ulimit -n)";
  if (code === "ENFILE") return "cannot be read (this machine has too many files open: raise the limit, fs.file-max)";
  return `cannot be read (${message})`;
}

function sameStamp(a: FileStamp, b: FileStamp | undefined): boolean {
  return a.size === b?.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

function entriesOf(lines: readonly string[]): Map<string, IndexEntry> {
  return new Map(
    lines.map((line) => {
      const [sha256 = "", size, mtimeMs, ctimeMs, ...file] = line.split(" ");
      return [file.join(" "), { sha256, size: Number(size), mtimeMs: Number(mtimeMs), ctimeMs: Number(ctimeMs) }];
    }),
  );
}

function lineOf({ sha256, size, mtimeMs, ctimeMs, file }: IndexEntry & IndexedFile): string {
  return `${sha256} ${size} ${mtimeMs} ${ctimeMs} ${file}`;
}
