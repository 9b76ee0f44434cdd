// Owns the published FairFace layout: a folder with fairface_label_train.csv, fairface_label_val.csv and the images they name.
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "@lockstep/errors";
import { contentIndex, type IndexedContent, reasonOf } from "../content-index.js";
import {
  type DatasetLog,
  type DatasetSource,
  origin,
  type Progress,
  type SourceSample,
  type UnusableImage,
} from "../dataset.js";
import type { LabelSchema } from "../labels/label-schema.js";
import { parseLabelFile } from "./label-file.js";

export interface FairfaceFolderOptions {
  readonly folder: string;
  readonly schema: LabelSchema;
  readonly cacheDir: string;
  readonly log: DatasetLog;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const labelFiles = [
  { name: "fairface_label_train.csv", origin: origin.officialTrain },
  { name: "fairface_label_val.csv", origin: origin.officialVal },
] as const;

export function fairfaceFolder(options: FairfaceFolderOptions): DatasetSource {
  const folder = resolve(options.folder);
  let samples: SourceSample[] = [];
  return {
    async list() {
      await checkFolder(folder);
      const rows = [];
      for (const { name, origin } of labelFiles) {
        const path = join(folder, name);
        const parsed = parseLabelFile(path, await readLabelFile(folder, name), options.schema);
        rows.push(...parsed.map((row) => ({ ...row, origin, namedAt: `${path}, line ${row.line}` })));
      }
      const contents = await contentIndex({ ...options, folder, files: rows });
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

async function checkFolder(folder: string): Promise<void> {
  const stats = await stat(folder).catch((error: unknown) => {
    throw new UserError(
      `data folder ${folder} ${reasonOf(error)}; give the folder with fairface_label_train.csv, or "synthetic" (--data)`,
    );
  });
  if (!stats.isDirectory()) {
    throw new UserError(`data folder ${folder} is not a folder; give the one with fairface_label_train.csv (--data)`);
  }
}

async function readLabelFile(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), "utf8");
  } catch (error) {
    throw new UserError(
      `label file ${name} ${reasonOf(error)} in ${folder}; a FairFace folder holds ${labelFiles.map((file) => file.name).join(" and ")}`,
    );
  }
}
