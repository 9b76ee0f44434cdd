// Reads the user's own label files (csvFiles): train.csv, val.csv and test.csv, or one file that may have a column with
// the part. The rows name the images by their paths relative to the folder of the label files.
import { join } from "node:path";
import type { DatasetSource } from "../dataset.js";
import { parseLabelFile } from "../fairface/label-file.js";
import type { PartFile } from "../forms/data-form.js";
import type { FormOptions } from "../forms/form-options.js";
import { partOfValue } from "../forms/part-name.js";
import { type LabelledFile, labelledFiles, readLabelFile } from "./labelled-files.js";

export function csvFiles(folder: string, files: readonly PartFile[], options: FormOptions): DatasetSource {
  const { labels, file: fileColumn, split } = options.columns;
  return labelledFiles({
    ...options,
    folder,
    async rows() {
      const rows: LabelledFile[] = [];
      for (const { file, origin } of files) {
        const path = join(folder, file);
        const text = await readLabelFile(folder, file, "give a CSV file with a row for each image (--data)");
        for (const row of parseLabelFile(path, text, labels, { ...options, file: fileColumn.name, split })) {
          const namedAt = `${path}, line ${row.line}`;
          const part = row.split === undefined ? origin : partOfValue(namedAt, split.name, row.split);
          rows.push({ file: row.file, labels: row.labels, origin: part, namedAt });
        }
      }
      return rows;
    },
  });
}
