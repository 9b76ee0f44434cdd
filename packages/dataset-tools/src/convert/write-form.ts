// Writes a data set completely or not at all (writeForm). It writes into a temporary folder next to the output folder,
// reads the result back, compares the fingerprints, and then renames the folder.
import { readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  canonicalSamples,
  imageFormat,
  type LabelSchema,
  liesInsideData,
  openDataset,
  type PartName,
  type Progress,
  partNames,
  quoted,
  type SampleLabels,
  type SourceSample,
  sha256Hex,
} from "@lockstep/dataset";
import { asUserError, type Log, systemErrorIn, UserError } from "@lockstep/errors";
import { makeFolder, removeLeftovers, syncFolder, withTemporaryPath } from "@lockstep/files";
import { createFormWriter } from "./create-form-writer.js";
import type { FormWriter, WrittenForm } from "./form-writer.js";
import { plainStems } from "./plain-names.js";

/** The content to write: the images in the order in which they are written. */
export interface FormContent {
  readonly schema: LabelSchema;
  readonly images: readonly { readonly name: string; readonly origin: number; readonly labels: SampleLabels }[];
  /** Returns the encoded bytes of the image at that index of `images`. */
  read(index: number): Promise<Uint8Array>;
}

export interface WriteFormOptions {
  /** The output folder. It must not exist, or must be empty. */
  readonly out: string;
  readonly to: WrittenForm;
  /** Largest number of images of a Parquet file or a tar shard. */
  readonly shardImages?: number | undefined;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WrittenDataset {
  readonly out: string;
  readonly form: WrittenForm;
  readonly images: number;
  /** Fingerprint of the written data set; it was checked by reading the data set back. */
  readonly fingerprint: string;
}

export const defaultShardImages = 5000;
/** Number of images that are read and written at a time. */
const batchImages = 32;
/** Columns that forms have in addition to the labels. */
const reservedColumns = ["file", "split", "image"];

/**
 * @throws UserError if `out` exists and is not an empty folder, if it cannot be written, or if the form cannot hold the
 * data
 */
export async function writeForm(content: FormContent, options: WriteFormOptions): Promise<WrittenDataset> {
  const { to } = options;
  const out = resolve(options.out);
  await assertFree(out);
  const reserved = content.schema.fields.find(({ column }) => reservedColumns.includes(column));
  if (reserved)
    throw new UserError(
      `label "${reserved.name}": the column name "${reserved.column}" is reserved in every form; rename the column`,
    );
  try {
    const expected = await withTemporaryPath(out, async (temporary) => {
      await removeLeftovers(dirname(out));
      await makeFolder(temporary);
      const fingerprint = await writeAll(content, temporary, options);
      await checkWritten(temporary, fingerprint, { ...options, schema: content.schema });
      await rename(temporary, out);
      return fingerprint;
    });
    await syncFolder(dirname(out));
    return { out, form: to, images: content.images.length, fingerprint: expected };
  } catch (error) {
    throw diskFailure(error, out);
  }
}

/**
 * Reads the folder back. It uses its own cache folder and removes it, because cache entries of the temporary folder are
 * useless after the rename.
 */
async function checkWritten(
  folder: string,
  expected: string,
  { to, cacheDir, log, signal, schema }: WriteFormOptions & { readonly schema: LabelSchema },
): Promise<void> {
  await removeLeftovers(resolve(cacheDir));
  await withTemporaryPath(join(resolve(cacheDir), "written"), async (ownCache) => {
    const quiet: Log = { info: () => {}, warn: (fields, message) => log.warn(fields, message) };
    try {
      const written = await openDataset({ data: folder, schema, cacheDir: ownCache, log: quiet, signal });
      if (written.fingerprint !== expected) {
        throw new Error(`${to} read back has fingerprint ${written.fingerprint}, not ${expected}`);
      }
    } finally {
      await rm(ownCache, { recursive: true, force: true });
    }
  });
}

/**
 * Returns the ending of the image's file name, determined by its content.
 * @throws UserError if the file is not an image: a label file may name any file, e.g. in a linked folder, and such a
 * file must not be copied into data that may be published
 */
async function endingOf(bytes: Uint8Array, name: string): Promise<string> {
  const format = await imageFormat(bytes);
  if (!("problem" in format)) return format.ending;
  throw new UserError(
    `image ${quoted(name)} is not copied: ${format.problem}; delete its row, or leave such images out (--on-bad-image skip)`,
  );
}

/** Writes the data set and returns its fingerprint. */
async function writeAll(content: FormContent, folder: string, options: WriteFormOptions): Promise<string> {
  const { to, shardImages = defaultShardImages, signal, onProgress } = options;
  const { images, schema } = content;
  const parts = images.map(({ origin }) => partNames[origin] as PartName); // origins are 0, 1 and 2
  const counts = { train: 0, val: 0, test: 0 };
  for (const part of parts) counts[part] += 1;
  const stems = plainStems(images.map(({ name }, index) => ({ name, part: parts[index] as PartName })));
  const writer: FormWriter = await createFormWriter(to, { folder, schema, counts, shardImages });
  const list: SourceSample[] = [];
  try {
    for (let first = 0; first < images.length; first += batchImages) {
      signal?.throwIfAborted();
      const batch = await Promise.all(
        images.slice(first, first + batchImages).map(async ({ name, origin, labels }, place) => {
          const index = first + place;
          const bytes = await content.read(index);
          list[index] = { name, origin, labels, contentSha256: sha256Hex(bytes) };
          const [part, stem] = [parts[index] as PartName, stems[index] as string]; // there is one for each image
          return { part, stem, ending: await endingOf(bytes, name), bytes, ...writtenLabels(schema, labels) };
        }),
      );
      await writer.add(batch);
      onProgress?.({ stage: "writing", done: first + batch.length, total: images.length });
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  return canonicalSamples(schema, list).fingerprint;
}

function writtenLabels({ fields }: LabelSchema, labels: SampleLabels) {
  const labelOf = (name: string): number => labels[name] ?? Number.NaN;
  return {
    labels: Object.fromEntries(
      fields.map((field): [string, string | number] => {
        const value = labelOf(field.name);
        return [field.column, field.kind === "class" ? (field.classes[value] ?? "") : value];
      }),
    ),
    classIndexes: Object.fromEntries(
      fields.flatMap(({ kind, column, name }) => (kind === "class" ? [[column, labelOf(name)]] : [])),
    ),
  };
}

/**
 * Nothing is written into the data folder, because it belongs to the user.
 * @throws UserError if `out` is inside the data folder
 */
export async function assertOutside(out: string, data: string): Promise<void> {
  if (!(await liesInsideData(out, data))) return;
  throw new UserError(`${out}: is inside the data folder (${data}); choose another folder (--out)`);
}

/** @throws UserError if `out` exists and is not an empty folder */
export async function assertFree(out: string): Promise<void> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new UserError(`${out}: cannot be written to: ${error.message} (--out)`);
  });
  if (names.length > 0)
    throw new UserError(`${out}: exists and is not empty (${names[0]}); choose another folder (--out)`);
}

function diskFailure(error: unknown, out: string): unknown {
  const diskCodes = ["ENOSPC", "EDQUOT", "EIO", "EACCES", "EPERM", "EROFS", "ENOTDIR"];
  const isDiskError = diskCodes.includes(systemErrorIn(error)?.code ?? "");
  return isDiskError ? asUserError(error, `${out}: cannot be written (--out)`) : error;
}
