// Reads one label file (parseLabelFile; CSV with a header; columns that no label asks for are ignored): text in, labelled rows out.
// Every complaint names the file, the line and the value.
import { type Log, UserError } from "@lockstep/errors";
import { repetition } from "../files/repetition.js";
import type { ColumnChoice } from "../forms/data-columns.js";
import { forEachRecord } from "../labels/csv-records.js";
import { findColumns } from "../labels/label-columns.js";
import { readLabels } from "../labels/label-reader.js";
import type { LabelRepairs } from "../labels/label-repairs.js";
import type { LabelSchema, SampleLabels } from "../labels/label-schema.js";
import { quoted } from "../labels/quoted.js";

export interface LabelRow {
  /** As the file names it, relative to the data folder, e.g. train/1.jpg. */
  readonly file: string;
  /** Line of the label file, from 1; the header is line 1. */
  readonly line: number;
  readonly labels: SampleLabels;
  /** As the split column says it, where one is read. */
  readonly split?: string;
}

export interface LabelFileOptions {
  /** What the images' column is called in this file; `file` where absent. */
  readonly file?: string;
  /** Read where the header has it; where the user named it, it has to. */
  readonly split?: ColumnChoice;
  /** Where dates that a spreadsheet made of class names are accepted: counts them. */
  readonly repairs?: LabelRepairs | undefined;
  /** Told of columns and separators that were recognised though they are not as published. */
  readonly log?: Log | undefined;
}

/** `labelFile`: its name, for complaints. */
export function parseLabelFile(
  labelFile: string,
  text: string,
  schema: LabelSchema,
  options: LabelFileOptions = {},
): LabelRow[] {
  const { file: fileColumn = "file", split: splitColumn, repairs, log } = options;
  const seen = new Map<string, LabelRow>();
  const wanted = {
    file: fileColumn,
    labels: [...schema.fields.map(({ column }) => column), ...(splitColumn?.given ? [splitColumn.name] : [])],
    optional: splitColumn && !splitColumn.given ? [splitColumn.name] : [],
  };
  const columnsOf = (header: string[], where: string): (string | false)[] => {
    const { columns, renamed } = findColumns(where, header, wanted);
    if (Object.keys(renamed).length > 0) log?.info({ labelFile, columns: renamed }, "read columns under other names");
    return columns;
  };
  forEachRecord({ name: labelFile, text, columns: columnsOf, log }, (record, line) => {
    const where = `${labelFile}, line ${line}`;
    const split = splitColumn && record[splitColumn.name];
    const row = {
      file: checkImagePath(where, fileColumn, record[fileColumn] ?? ""),
      line,
      labels: readLabels(where, schema, record, repairs),
      ...(split === undefined ? {} : { split }),
    };
    const earlier = seen.get(row.file);
    if (earlier) throw new UserError(`${where}: ${repetition(schema, row, earlier, `on line ${earlier.line}`)}`);
    seen.set(row.file, row);
  });
  if (seen.size === 0) throw new UserError(`${labelFile}: holds no rows; it needs one for each image`);
  return [...seen.values()];
}

/** Label files are data, not to be trusted with paths that leave the data folder. */
function checkImagePath(where: string, column: string, file: string): string {
  if (file === "") throw new UserError(`${where}: no image named in column "${column}"; fill it in or delete the row`);
  const steps = file.split("/").filter((step) => step !== "" && step !== ".");
  if (file.startsWith("/") || /[\\\p{Cc}]/u.test(file) || steps.length === 0 || steps.includes("..")) {
    throw new UserError(
      `${where}: image ${quoted(file)} is not a path inside the data folder; use one like train/1.jpg`,
    );
  }
  return steps.join("/");
}
