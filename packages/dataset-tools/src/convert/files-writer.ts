// Writes images as single files with label files: in FairFace's published layout (fairfaceWriter), or with one
// labels.csv (csvWriter).
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { publishedFiles } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { stringify } from "csv-stringify/sync";
import type { FormWriter, FormWriterOptions, WrittenSample } from "./form-writer.js";

/**
 * Writes fairface_label_train.csv and fairface_label_val.csv, and fairface_label_test.csv if there is a test part.
 * @throws UserError if the training or the validation part is empty
 */
export function fairfaceWriter(options: FormWriterOptions): FormWriter {
  const missing = publishedFiles.find(({ part, optional }) => !optional && options.counts[part] === 0);
  if (missing !== undefined) {
    throw new UserError(
      `to fairface: the published layout needs a ${missing.part} part and this data has none; write csv, parquet or webdataset (--to)`,
    );
  }
  const columns = options.schema.fields.map(({ column }) => column);
  const rows = { train: [] as string[], val: [] as string[], test: [] as string[] };
  return filesWriter(options.folder, {
    add: ({ part, labels }, file) => rows[part].push(csvRow([file, ...columns.map((column) => labels[column] ?? "")])),
    labelFiles: () =>
      publishedFiles
        .filter(({ part, optional }) => !optional || rows[part].length > 0)
        .map(({ name, part }) => ({ name, rows: [csvRow(["file", ...columns]), ...rows[part]] })),
  });
}

/** Writes labels.csv with a column for the part. */
export function csvWriter({ folder, schema }: FormWriterOptions): FormWriter {
  const columns = schema.fields.map(({ column }) => column);
  const rows = [csvRow(["file", ...columns, "split"])];
  return filesWriter(folder, {
    add: ({ part, labels }, file) => rows.push(csvRow([file, ...columns.map((column) => labels[column] ?? ""), part])),
    labelFiles: () => [{ name: "labels.csv", rows }],
  });
}

interface LabelFiles {
  add(sample: WrittenSample, file: string): void;
  labelFiles(): readonly { readonly name: string; readonly rows: readonly string[] }[];
}

function filesWriter(folder: string, labels: LabelFiles): FormWriter {
  return {
    async add(samples) {
      await Promise.all(
        samples.map(async (sample) => {
          const file = join(folder, fileOf(sample));
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, sample.bytes, { flag: "wx", flush: true });
        }),
      );
      for (const sample of samples) labels.add(sample, fileOf(sample));
    },
    async finish() {
      for (const { name, rows } of labels.labelFiles()) {
        await writeFile(join(folder, name), `${rows.join("\n")}\n`, { flag: "wx", flush: true });
      }
    },
    abandon: async () => {},
  };
}

function fileOf({ part, stem, ending }: WrittenSample): string {
  return `${part}/${stem}.${ending}`;
}

/** Quotes a value with blanks at its start or end, because readers remove blanks around unquoted values. */
function csvRow(cells: readonly (string | number)[]): string {
  return stringify([[...cells]], { eof: false, quoted_match: /[\r\n]|^\s|\s$/ });
}
