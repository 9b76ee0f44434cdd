// Owns images that lie as files of their own in a folder, named by the rows of label files.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { contentIndex, type IndexedContent, reasonOf } from "../content-index.js";
import type { DatasetSource, SourceSample, UnusableImage } from "../dataset.js";
import type { FormOptions } from "../forms/form-options.js";
import type { SampleLabels } from "../labels/label-schema.js";

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
  /** UserError where a label file cannot be used. */
  readonly rows: () => Promise<LabelledFile[]>;
}

export function labelledFiles(options: LabelledFilesOptions): DatasetSource {
  const { folder } = options;
  let samples: SourceSample[] = [];
  return {
    async list() {
      const rows = await options.rows();
      const contents = await contentIndex({ ...options, files: rows });
      const unusable: UnusableImage[] = [];
      samples = rows.flatMap(({ file: name, origin, labels, namedAt }, index) => {
        const content = contents[index] as IndexedContent; // one for each row
        if ("sha256" in content) return [{ name, origin, labels, contentSha256: content.sha256 }];
        unusable.push({ name, namedAt, problem: content.problem });
        return [];
      });
      return { samples, unusable, unlabelled: [] };
    },
    async read(listIndex) {
      const sample = samples[listIndex];
      if (!sample) throw new RangeError(`image ${listIndex} is not among the ${samples.length} listed`);
      try {
        return await readFile(join(folder, sample.name));
      } catch (error) {
        throw new UserError(`image "${sample.name}" ${reasonOf(error)} in ${folder}; restore it and start again`);
      }
    },
  };
}

/** @param what follows the complaint, e.g. what the folder should hold */
export async function readLabelFile(folder: string, name: string, what: string): Promise<string> {
  try {
    return await readFile(join(folder, name), "utf8");
  } catch (error) {
    throw new UserError(`label file ${name} ${reasonOf(error)} in ${folder}; ${what}`);
  }
}
