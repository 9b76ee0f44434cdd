// Owns reading one label file (CSV with a header; columns that no label asks for are ignored): text in, labelled rows out.
// Every complaint names the file, the line and the value.
import { UserError } from "@lockstep/errors";
import { type CsvError, parse } from "csv-parse/sync";
import type { ColumnChoice } from "../forms/data-columns.js";
import { readLabels } from "../labels/label-reader.js";
import type { LabelSchema, SampleLabels } from "../labels/label-schema.js";

export interface LabelRow {
  /** As the file names it, relative to the data folder, e.g. train/1.jpg. */
  readonly file: string;
  /** Line of the label file, from 1; the header is line 1. */
  readonly line: number;
  readonly labels: SampleLabels;
  /** As the split column says it, where one is read. */
  readonly split?: string;
}

/** Columns besides the labels', by what they are called in this file. */
export interface LabelFileColumns {
  readonly file: string;
  /** Read where the header has it; where the user named it, it has to. */
  readonly split?: ColumnChoice;
}

type LabelRecord = Readonly<Record<string, string>>;

/** `labelFile`: its name, for complaints. */
export function parseLabelFile(
  labelFile: string,
  text: string,
  schema: LabelSchema,
  columns: LabelFileColumns = { file: "file" },
): LabelRow[] {
  const seen = new Map<string, number>();
  return parseRecords(labelFile, text, schema, columns).map(({ record, line }) => {
    const where = `${labelFile}, line ${line}`;
    const file = checkImagePath(where, columns.file, record[columns.file] ?? "");
    const earlier = seen.get(file);
    if (earlier !== undefined) {
      throw new UserError(`${where}: image "${file}" already stands on line ${earlier}; delete one of the two rows`);
    }
    seen.set(file, line);
    const split = columns.split && record[columns.split.name];
    return { file, line, labels: readLabels(where, schema, record), ...(split === undefined ? {} : { split }) };
  });
}

function parseRecords(
  labelFile: string,
  text: string,
  schema: LabelSchema,
  { file, split }: LabelFileColumns,
): { record: LabelRecord; line: number }[] {
  const columns = [file, ...schema.fields.map(({ column }) => column), ...(split?.given ? [split.name] : [])];
  try {
    const parsed: unknown[] = parse(text, {
      bom: true,
      trim: true,
      info: true,
      skip_empty_lines: true,
      columns: (header: string[]) => checkHeader(labelFile, header, columns),
    });
    // With info and columns set, csv-parse gives { record: object by column, info: { lines } }; checkHeader has seen the columns.
    const rows = parsed as { record: LabelRecord; info: { lines: number } }[];
    if (rows.length === 0) throw new UserError(`${labelFile}: holds no rows; it needs one for each image`);
    return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { message } = error as CsvError; // the only other thing that parse() throws; its message names the line
    throw new UserError(`${labelFile}: not a readable CSV file: ${message.replaceAll("\n", " ")}; correct that line`);
  }
}

function checkHeader(labelFile: string, header: string[], columns: readonly string[]): string[] {
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    const [names, plural] = [missing.map((column) => `"${column}"`).join(", "), missing.length > 1 ? "s" : ""];
    throw new UserError(
      `${labelFile}, line 1: column${plural} ${names} missing, found ${header.map((column) => `"${column}"`).join(", ")}; ` +
        `the header must name ${columns.join(", ")}`,
    );
  }
  const twice = columns.find((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (twice) throw new UserError(`${labelFile}, line 1: column "${twice}" stands there twice; rename or delete one`);
  return header;
}

/** Label files are data, not to be trusted with paths that leave the data folder. */
function checkImagePath(where: string, column: string, file: string): string {
  if (file === "") throw new UserError(`${where}: no image named in column "${column}"; fill it in or delete the row`);
  if (file.startsWith("/") || file.includes("\\") || file.includes("\0") || file.split("/").includes("..")) {
    throw new UserError(`${where}: image "${file}" is not a path inside the data folder; use one like train/1.jpg`);
  }
  return file
    .split("/")
    .filter((step) => step !== "" && step !== ".")
    .join("/");
}
