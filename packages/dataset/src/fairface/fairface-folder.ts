// Reads the published FairFace layout (fairfaceFolder): a folder with fairface_label_train.csv, fairface_label_val.csv
// and the images that these files name.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { type DatasetSource, origin } from "../dataset.js";
import { type LabelledFile, labelledFiles, readLabelFile } from "../files/labelled-files.js";
import type { FormOptions } from "../forms/form-options.js";
import { parseLabelFile } from "./label-file.js";

/** The published data has no test part. A folder that `lockstep dataset convert` wrote may have one. */
export const publishedFiles = [
  { name: "fairface_label_train.csv", part: "train", origin: origin.officialTrain, optional: false },
  { name: "fairface_label_val.csv", part: "val", origin: origin.officialVal, optional: false },
  { name: "fairface_label_test.csv", part: "test", origin: origin.officialTest, optional: true },
] as const;

export function fairfaceFolder(folder: string, options: FormOptions): DatasetSource {
  const { labels, file, split } = options.columns;
  if (split.given) {
    throw new UserError(
      `columns: split=${split.name}: in a FairFace folder the part is given by the file; to read the part from a column, name a .csv file (--data)`,
    );
  }
  return labelledFiles({
    ...options,
    folder,
    async rows() {
      const rows: LabelledFile[] = [];
      for (const { name, origin, optional } of publishedFiles) {
        const path = join(folder, name);
        if (optional && !existsSync(path)) continue;
        const text = await readLabelFile(folder, name, `a FairFace folder holds ${requiredNames.join(" and ")}`);
        const parsed = parseLabelFile(path, text, labels, { ...options, file: file.name });
        rows.push(...parsed.map((row) => ({ ...row, origin, namedAt: `${path}, line ${row.line}` })));
      }
      return rows;
    },
  });
}

const requiredNames = publishedFiles.filter(({ optional }) => !optional).map(({ name }) => name);
