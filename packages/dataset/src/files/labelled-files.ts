// Reads images that are single files in a folder and are named by the rows of label files (labelledFiles).
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "@lockstep/errors";
import { contentIndex, type IndexedContent, reasonOf } from "../content-index.js";
import type { DatasetSource, SourceSample, UnusableImage } from "../dataset.js";
import { mebibytes } from "../decode/image-limits.js";
import type { FormOptions } from "../forms/form-options.js";
import type { LabelSchema, SampleLabels } from "../labels/label-schema.js";
import { labelText, maxLabelFileBytes } from "../labels/label-text.js";
import { quoted } from "../labels/quoted.js";
import { duplicateRowMessage } from "./duplicate-row.js";
import { imagesWithoutRow } from "./images-without-row.js";
import { NearNames, nearNameHint } from "./near-name.js";

export interface LabelledFile {
  /** Relative to the folder. */
  readonly file: string;
  readonly origin: number;
  readonly labels: SampleLabels;
  /** E.g. `/data/labels.csv, line 17`. */
  readonly namedAt: string;
}

export interface LabelledFilesOptions extends FormOptions {
  readonly folder: string;
  /**
   * Returns the rows of all label files.
   * @throws UserError if a label file cannot be used
   */
  readonly rows: () => Promise<LabelledFile[]>;
}

export function labelledFiles(options: LabelledFilesOptions): DatasetSource {
  const { folder } = options;
  let samples: SourceSample[] = [];
  return {
    async list() {
      const rows = await options.rows();
      refuseDuplicateRows(options.columns.labels, rows);
      const contents = await contentIndex({ ...options, files: rows });
      // The cast is safe: there is one content for each row.
      const found = rows.map((row, index) => ({ ...row, content: contents[index] as IndexedContent }));
      samples = found.flatMap(({ file: name, origin, labels, namedAt, content }) =>
        "sha256" in content ? [{ name, namedAt, origin, labels, contentSha256: content.sha256 }] : [],
      );
      const [nearNames, nearFiles] = [new NearNames(), new Set<string>()];
      const unusable: UnusableImage[] = [];
      for (const { file: name, namedAt, content } of found) {
        if ("sha256" in content) continue;
        const near = content.problem.startsWith("is missing") ? await nearNames.find(folder, name) : null;
        if (near !== null) nearFiles.add(near.file);
        unusable.push({ name, namedAt, problem: content.problem + nearNameHint(near) });
      }
      const withoutRow = await imagesWithoutRow(
        folder,
        rows.map(({ file }) => file),
      );
      return { samples, unusable, unlabelled: withoutRow.filter((file) => !nearFiles.has(file)) };
    },
    async read(listIndex) {
      const sample = samples[listIndex];
      if (!sample) throw new RangeError(`image ${listIndex} is not among the ${samples.length} listed`);
      try {
        return await readFile(join(folder, sample.name));
      } catch (error) {
        throw new UserError(`image ${quoted(sample.name)} ${reasonOf(error)} in ${folder}; restore it and start again`);
      }
    },
  };
}

/**
 * Refuses an image that two label files name: the run would train on it and be evaluated on it. The parser has already
 * refused an image that one file names twice.
 */
function refuseDuplicateRows(schema: LabelSchema, rows: readonly LabelledFile[]): void {
  const seen = new Map<string, LabelledFile>();
  for (const row of rows) {
    const earlier = seen.get(row.file);
    if (earlier) {
      throw new UserError(`${row.namedAt}: ${duplicateRowMessage(schema, row, earlier, `in ${earlier.namedAt}`)}`);
    }
    seen.set(row.file, row);
  }
}

/**
 * Reads a label file as text.
 * @param advice end of the error message, e.g. what the folder should hold
 * @throws UserError if the file cannot be read, is too large, or is not text
 */
export async function readLabelFile(folder: string, name: string, advice: string): Promise<string> {
  const path = join(folder, name);
  const fail = (problem: string): never => {
    throw new UserError(`label file ${name} ${problem} in ${folder}; ${advice}`);
  };
  return labelText(path, await readWithinLimit(path, maxLabelFileBytes, fail));
}

/**
 * Reads a file that has at most `maxBytes`.
 * @param fail throws the UserError; it receives what is wrong, e.g. `is missing`
 */
export async function readWithinLimit(
  path: string,
  maxBytes: number,
  fail: (problem: string) => never,
): Promise<Uint8Array> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) fail("is not a file");
    if (stats.size > maxBytes) fail(`has ${mebibytes(stats.size)}, more than ${mebibytes(maxBytes)},`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const near = reasonOf(error) === "is missing" ? await new NearNames().find(dirname(path), basename(path)) : null;
    return fail(reasonOf(error) + nearNameHint(near));
  }
}
