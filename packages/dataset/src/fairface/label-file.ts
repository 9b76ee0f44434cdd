// Owns reading one label file (CSV with a header; columns that no label asks for are ignored): text in, labelled rows out.
// Every complaint names the file, the line and the value.
import { type Log, UserError } from "@lockstep/errors";
import { type CsvError, parse } from "csv-parse/sync";
import { repetition } from "../files/repetition.js";
import type { ColumnChoice } from "../forms/data-columns.js";
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

type LabelRecord = Readonly<Record<string, string>>;
/** Characters of a row: more are a damaged file, e.g. one without line ends. */
const maxRowCharacters = 2 ** 16;
/** Of a row, which csv-parse's own limit does not count: a row of 200 million commas takes a process down. */
const maxColumns = 1000;

/** `labelFile`: its name, for complaints. */
export function parseLabelFile(
  labelFile: string,
  text: string,
  schema: LabelSchema,
  options: LabelFileOptions = {},
): LabelRow[] {
  const { file: fileColumn = "file", split: splitColumn, repairs } = options;
  const seen = new Map<string, LabelRow>();
  forEachRecord({ labelFile, text, schema, options }, (record, line) => {
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

interface RecordsOf {
  readonly labelFile: string;
  readonly text: string;
  readonly schema: LabelSchema;
  readonly options: LabelFileOptions;
}

/** One record after the other, so that a file of millions of rows is never held as records; stops at the first bad row. */
function forEachRecord(
  { labelFile, text, schema, options }: RecordsOf,
  read: (record: LabelRecord, line: number) => void,
): void {
  const { file = "file", split, log } = options;
  const wanted = {
    file,
    labels: [...schema.fields.map(({ column }) => column), ...(split?.given ? [split.name] : [])],
    optional: split && !split.given ? [split.name] : [],
  };
  const delimiter = delimiterOf(text);
  if (delimiter !== ",") log?.info({ labelFile, delimiter }, "the label file's columns are not separated by commas");
  try {
    parse<LabelRecord>(text, {
      bom: true,
      delimiter,
      record_delimiter: ["\r\n", "\n", "\r"],
      max_record_size: maxRowCharacters,
      trim: true,
      skip_empty_lines: true,
      columns: (header: string[]) => {
        const { columns, renamed } = findColumns(`${labelFile}, line 1`, header, wanted);
        if (Object.keys(renamed).length > 0)
          log?.info({ labelFile, columns: renamed }, "read columns under other names");
        return columns;
      },
      cast: (value, { index, lines }) => {
        if (index < maxColumns) return value;
        throw new UserError(`${labelFile}, line ${lines}: has more than ${maxColumns} columns; correct that line`);
      },
      on_record: (record, { lines }) => {
        read(record, lines);
        return null; // csv-parse keeps nothing
      },
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { message } = error as CsvError; // the only other thing that parse() throws; its message names the line
    throw new UserError(`${labelFile}: not a readable CSV file: ${csvReason(message)}; correct that line`);
  }
}

/** A header has two columns or more, so one without a comma is separated by something else. */
function delimiterOf(text: string): "," | ";" | "\t" {
  const header =
    text
      .slice(0, maxRowCharacters)
      .trimStart()
      .split(/[\r\n]/, 1)[0] ?? "";
  if (header.includes(",")) return ",";
  return header.includes(";") ? ";" : header.includes("\t") ? "\t" : ",";
}

/** csv-parse quotes what it found, which may be long, and may hold anything. */
function csvReason(message: string): string {
  return message.replaceAll(/[\s\p{Cc}]+/gu, " ").slice(0, 300);
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
