// Reads CSV text in any common variant, one record after the other (forEachRecord): a spreadsheet's `sep=;` line,
// commas, semicolons, tabs or bars, any line ends, blanks around values, empty lines. Every message names the file and
// the line.
import { type Log, UserError } from "@lockstep/errors";
import { type CsvError, parse } from "csv-parse/sync";

/** Values by column. */
export type CsvRecord = Readonly<Record<string, string>>;

export interface CsvText {
  /** Name of the file, for messages. */
  readonly name: string;
  readonly text: string;
  /**
   * Receives the header and its place (for messages). Returns the name of each column, or false for a column that is
   * not read.
   */
  readonly columns: (header: string[], where: string) => (string | false)[];
  /** Receives a line if the values are not separated by commas. */
  readonly log?: Log | undefined;
}

/** Largest number of characters of a row. A longer row is the sign of a damaged file, e.g. one without line ends. */
const maxRowCharacters = 2 ** 16;
/** Largest number of columns. csv-parse has no such limit: a row of 200 million commas would exhaust the memory. */
const maxColumns = 1000;

/**
 * Calls `read` for each record. It keeps only one record in memory, so that a file of millions of rows can be read.
 * @throws UserError at the first bad row
 */
export function forEachRecord(csv: CsvText, read: (record: CsvRecord, line: number) => void): void {
  const { name, text, columns, log } = csv;
  const separatorLine = /^\uFEFF?"?sep=([^\r\n])"?[,;\t ]*(\r\n|\n|\r)/i.exec(text); // written by Excel
  const delimiter = separatorLine?.[1] ?? delimiterOf(text);
  if (delimiter !== ",") log?.info({ file: name, delimiter }, "the columns are not separated by commas");
  const linesBefore = separatorLine === null ? 0 : 1;
  try {
    parse<CsvRecord>(separatorLine === null ? text : text.slice(separatorLine[0].length), {
      bom: true,
      delimiter,
      record_delimiter: ["\r\n", "\n", "\r"],
      max_record_size: maxRowCharacters,
      trim: true,
      skip_empty_lines: true,
      columns: (header: string[]) => columns(header, `${name}, line ${1 + linesBefore}`),
      cast: (value, { index, lines }) => {
        if (index < maxColumns) return value;
        throw new UserError(
          `${name}, line ${lines + linesBefore}: has more than ${maxColumns} columns; correct that line`,
        );
      },
      on_record: (record, { lines }) => {
        read(record, lines + linesBefore);
        return null; // csv-parse keeps nothing
      },
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    // parse() throws no other errors. Its message names the line and quotes the text, which may be long.
    const { message } = error as CsvError;
    const reason = message
      .replaceAll(/\bline (\d+)/g, (_, line: string) => `line ${Number(line) + linesBefore}`)
      .replaceAll(/[\s\p{Cc}]+/gu, " ");
    throw new UserError(`${name}: not a readable CSV file: ${reason.slice(0, 300)}; correct that line`);
  }
}

/** Returns the delimiter that occurs most often in the header outside quotation marks; a comma if none occurs. */
function delimiterOf(text: string): string {
  const start = text.slice(0, maxRowCharacters).trimStart();
  const header = (start.split(/[\r\n]/, 1)[0] ?? "").replaceAll(/"[^"]*"/g, "");
  const count = (delimiter: string): number => header.split(delimiter).length;
  return [",", ";", "\t", "|"].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}
