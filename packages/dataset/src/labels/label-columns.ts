// Owns which column of a label file's header holds what: by its exact name, else whatever its letter case; the images'
// column also under the names that others give it.
import { UserError } from "@lockstep/errors";
import { quoted } from "./quoted.js";

export interface WantedColumns {
  /** Of the images' names. */
  readonly file: string;
  readonly labels: readonly string[];
  /** Taken where they are there. */
  readonly optional?: readonly string[];
}

export interface FoundColumns {
  /** By position in the header: the wanted name, or false where nobody asks for the column. */
  readonly columns: (string | false)[];
  /** Columns that are called otherwise, by what they are read as. */
  readonly renamed: Readonly<Record<string, string>>;
}

const fileAliases = ["file_name", "filename", "path", "image"];

/** @param where for complaints, e.g. `labels.csv, line 1`. @throws UserError where a column is missing or stands there twice */
export function findColumns(where: string, header: readonly string[], wanted: WantedColumns): FoundColumns {
  const needed = [wanted.file, ...wanted.labels];
  const all = [...needed, ...(wanted.optional ?? [])];
  const positions = new Map(all.map((column) => [column, positionOf(where, header, column, namesOf(column, wanted))]));
  const missing = needed.filter((column) => positions.get(column) === -1);
  if (missing.length > 0) {
    throw new UserError(
      `${where}: column${missing.length > 1 ? "s" : ""} ${missing.map(quoted).join(", ")} missing, found ${shown(header)}; ` +
        `the header must name ${needed.join(", ")} (--columns says where they stand)`,
    );
  }
  const columns = header.map((_, place) => all.find((column) => positions.get(column) === place) ?? false);
  const renamed = columns.flatMap((column, place) => {
    const name = header[place] ?? "";
    return column === false || column === name ? [] : [[column, name]];
  });
  return { columns, renamed: Object.fromEntries(renamed) };
}

/** What the column may be called, the likeliest first. */
function namesOf(column: string, { file, labels }: WantedColumns): string[] {
  if (column !== file || file !== "file") return [column];
  return [file, ...fileAliases.filter((alias) => !labels.includes(alias))];
}

/** -1 where it is missing. */
function positionOf(where: string, header: readonly string[], column: string, names: readonly string[]): number {
  const lower = names.map((name) => name.toLowerCase());
  const ranks: ((name: string) => boolean)[] = [
    (name) => name === column,
    (name) => name.toLowerCase() === lower[0],
    (name) => lower.includes(name.toLowerCase()),
  ];
  for (const fits of ranks) {
    const [place, other] = header.flatMap((name, place) => (fits(name) ? [place] : []));
    if (place === undefined) continue;
    if (other === undefined) return place;
    const [one, two] = [header[place] ?? "", header[other] ?? ""];
    throw new UserError(
      one === two
        ? `${where}: column ${quoted(one)} stands there twice; rename or delete one`
        : `${where}: columns ${quoted(one)} and ${quoted(two)} could both be ${quoted(column)}; name one of them so`,
    );
  }
  return -1;
}

const shownColumns = 20;

function shown(header: readonly string[]): string {
  const more = header.length > shownColumns ? `, … (${header.length} in all)` : "";
  return `${header.slice(0, shownColumns).map(quoted).join(", ")}${more}`;
}
