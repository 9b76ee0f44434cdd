// Owns the published FairFace layout: a folder with fairface_label_train.csv, fairface_label_val.csv and the images they name.
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "@lockstep/errors";
import { contentIndex, reasonOf } from "../content-index.js";
import { type DatasetLog, type DatasetSource, origin, type Progress, type SourceSample } from "../dataset.js";
import { parseLabelFile } from "./label-file.js";

export interface FairfaceFolderOptions {
  readonly folder: string;
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
  let list: SourceSample[] = [];
  return {
    kind: "fairface",
    async list() {
      await checkFolder(folder);
      const rows = [];
      for (const { name, origin } of labelFiles) {
        const path = join(folder, name);
        const parsed = parseLabelFile(path, await readLabelFile(folder, name));
        rows.push(...parsed.map((row) => ({ ...row, origin, namedAt: `${path}, line ${row.line}` })));
      }
      const hashes = await contentIndex({ ...options, folder, files: rows });
      list = rows.map(({ file, origin, gender, race, ageBin }, index) => ({
        name: file,
        origin,
        gender,
        race,
        ageBin,
        contentSha256: hashes[index] as string, // one hash for each row
      }));
      return list;
    },
    async read(listIndex) {
      const sample = list[listIndex];
      if (!sample) throw new RangeError(`image ${listIndex} is not among the ${list.length} listed`);
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
