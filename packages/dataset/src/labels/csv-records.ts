// Reads CSV text of any common spelling, one record after the other (forEachRecord): a spreadsheet's `sep=;` line, commas,
// semicolons, tabs or bars, any line ends, blanks around values, empty lines. Every message names the file and the line.
import { type Log, UserError } from "@lockstep/errors";
import { type CsvError, parse } from "csv-parse/sync";

/** By column. */
export type CsvRecord = Readonly<Record<string, string>>;

export interface CsvText {
  /** For messages. */
  readonly name: string;
  readonly text: string;
  /** Called with the header and its place, for messages: the name of each column, or false where it is not read. */
  readonly columns: (header: string[], where: string) => (string | false)[];
  /** Receives a line where the values are not separated by commas. */
  readonly log?: Log | undefined;
}

/** Characters of a row: more are a damaged file, e.g. one without line ends. */
const maxRowCharacters = 2 ** 16;
/** csv-parse does not limit the columns of a row: 200 million commas would end the process for want of memory. */
const maxColumns = 1000;

/** No more than one record is held, so that a file of millions of rows can be read. @throws UserError at the first bad row */
export function forEachRecord(csv: CsvText, read: (record: CsvRecord, line: number) => void): void {
  const { name, text, columns, log } = csv;
  const separatorLine = /^\uFEFF?"?sep=([^\r\n])"?[,;\t ]*(\r\n|\n|\r)/i.exec(text); // Excel's
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
    // Nothing else is thrown by parse(). Its message names the line, and quotes what it found: that may be long.
    const { message } = error as CsvError;
    const reason = message
      .replaceAll(/\bline (\d+)/g, (_, line: string) => `line ${Number(line) + linesBefore}`)
      .replaceAll(/[\s\p{Cc}]+/gu, " ");
    throw new UserError(`${name}: not a readable CSV file: ${reason.slice(0, 300)}; correct that line`);
  }
}

/** The one that the header holds most of, outside of quotation marks; a comma where there is none. */
function delimiterOf(text: string): string {
  const start = text.slice(0, maxRowCharacters).trimStart();
  const header = (start.split(/[\r\n]/, 1)[0] ?? "").replaceAll(/"[^"]*"/g, "");
  const count = (delimiter: string): number => header.split(delimiter).length;
  return [",", ";", "\t", "|"].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}
