// Parses one label file (parseLabelFile), a CSV with a header, into labelled rows. Columns that no label needs are
// ignored. Every error message names the file, the line and the value.
import { type Log, UserError } from "@lockstep/errors";
import { duplicateRowMessage } from "../files/duplicate-row.js";
import type { ColumnChoice } from "../forms/data-columns.js";
import { forEachRecord } from "../labels/csv-records.js";
import { findColumns } from "../labels/label-columns.js";
import { readLabels } from "../labels/label-reader.js";
import type { LabelRepairs } from "../labels/label-repairs.js";
import type { LabelSchema, SampleLabels } from "../labels/label-schema.js";
import { quoted } from "../labels/quoted.js";

export interface LabelRow {
  /** Path as the label file gives it, relative to the data folder, e.g. train/1.jpg. */
  readonly file: string;
  /** Line of the label file, from 1; the header is line 1. */
  readonly line: number;
  readonly labels: SampleLabels;
  /** Value of the split column, if that column is read. */
  readonly split?: string;
}

export interface LabelFileOptions {
  /** Name of the column that holds the images' paths; default: `file`. */
  readonly file?: string;
  /** The split column. It is read if the header has it. If the user named it, the header must have it. */
  readonly split?: ColumnChoice;
  /** If given, dates that a spreadsheet made of class names are accepted and counted here. */
  readonly repairs?: LabelRepairs | undefined;
  /** Receives a line for columns and separators that differ from the published ones. */
  readonly log?: Log | undefined;
}

/**
 * @param labelFile name of the file, for messages
 * @throws UserError at the first row that cannot be used, or if there are no rows
 */
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
    if (earlier)
      throw new UserError(`${where}: ${duplicateRowMessage(schema, row, earlier, `on line ${earlier.line}`)}`);
    seen.set(row.file, row);
  });
  if (seen.size === 0) throw new UserError(`${labelFile}: holds no rows; it needs one row for each image`);
  return [...seen.values()];
}

/** A label file may come from anywhere, so it must not name a path outside the data folder. */
function checkImagePath(where: string, column: string, file: string): string {
  if (file === "") throw new UserError(`${where}: column "${column}" names no image; fill it in or delete the row`);
  const steps = file.split("/").filter((step) => step !== "" && step !== ".");
  if (file.startsWith("/") || /[\\\p{Cc}]/u.test(file) || steps.length === 0 || steps.includes("..")) {
    throw new UserError(
      `${where}: image ${quoted(file)} is not a path inside the data folder; use one like train/1.jpg`,
    );
  }
  return steps.join("/");
}
