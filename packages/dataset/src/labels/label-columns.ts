// Finds the wanted columns in the header of a label file (findColumns): first by the exact name, then without regard to
// letter case. The column of the images is also found under other common names.
import { UserError } from "@lockstep/errors";
import { quoted } from "./quoted.js";

export interface WantedColumns {
  /** Name of the column that holds the images' paths. */
  readonly file: string;
  readonly labels: readonly string[];
  /** Columns that are read if the header has them. */
  readonly optional?: readonly string[];
}

export interface FoundColumns {
  /** By position in the header: the wanted name, or false for a column that is not wanted. */
  readonly columns: (string | false)[];
  /** Columns whose name in the header differs from the wanted name: wanted name -> name in the header. */
  readonly renamed: Readonly<Record<string, string>>;
}

const fileAliases = ["file_name", "filename", "path", "image"];

/**
 * @param where place for messages, e.g. `labels.csv, line 1`
 * @throws UserError if a column is missing or appears twice
 */
export function findColumns(where: string, header: readonly string[], wanted: WantedColumns): FoundColumns {
  const needed = [wanted.file, ...wanted.labels];
  const all = [...needed, ...(wanted.optional ?? [])];
  const positions = new Map(all.map((column) => [column, positionOf(where, header, column, namesOf(column, wanted))]));
  const missing = needed.filter((column) => positions.get(column) === -1);
  if (missing.length > 0) {
    throw new UserError(
      `${where}: column${missing.length > 1 ? "s" : ""} ${missing.map(quoted).join(", ")} missing, found ${shown(header)}; ` +
        `the header must have ${needed.join(", ")}; if these columns have other names here, give the names with --columns`,
    );
  }
  const columns = header.map((_, place) => all.find((column) => positions.get(column) === place) ?? false);
  const renamed = columns.flatMap((column, place) => {
    const name = header[place] ?? "";
    return column === false || column === name ? [] : [[column, name]];
  });
  return { columns, renamed: Object.fromEntries(renamed) };
}

/** Returns the names that the column may have, in the order of preference. */
function namesOf(column: string, { file, labels }: WantedColumns): string[] {
  if (column !== file || file !== "file") return [column];
  return [file, ...fileAliases.filter((alias) => !labels.includes(alias))];
}

/** Returns -1 if the column is missing. */
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
        ? `${where}: column ${quoted(one)} appears twice; rename or delete one`
        : `${where}: columns ${quoted(one)} and ${quoted(two)} could both be ${quoted(column)}; rename one of them to ${quoted(column)}`,
    );
  }
  return -1;
}

const shownColumns = 20;

function shown(header: readonly string[]): string {
  const more = header.length > shownColumns ? `, … (${header.length} in all)` : "";
  return `${header.slice(0, shownColumns).map(quoted).join(", ")}${more}`;
}
