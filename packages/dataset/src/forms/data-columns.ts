// Applies the column map of --columns (dataColumns): which columns of this data hold the labels, the image and the part
// of the split. For labels, the map is applied to the schema, so the code that reads a form only uses the schema's
// columns.
import { UserError } from "@lockstep/errors";
import type { LabelSchema } from "../labels/label-schema.js";

export interface ColumnChoice {
  readonly name: string;
  /** Whether the user named the column with --columns. Then the data must have it. */
  readonly given: boolean;
}

export interface DataColumns {
  /** The recipe's labels. Each `column` is the column of this data. */
  readonly labels: LabelSchema;
  /** Column of the image's path, or of the image itself. */
  readonly file: ColumnChoice;
  /** Column of the part of the official split. It is read if the data has it. */
  readonly split: ColumnChoice;
}

/** @throws UserError if the map names a column that no label has */
export function dataColumns(schema: LabelSchema, map: Readonly<Record<string, string>>): DataColumns {
  const known = [...new Set([...schema.fields.map(({ column }) => column), "file", "split"])];
  const unknown = Object.keys(map).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new UserError(
      `columns: "${unknown}" is not a column that the recipe reads; it reads ${known.join(", ")} (--columns)`,
    );
  }
  const columnOf = (key: string): string => (Object.hasOwn(map, key) ? (map[key] ?? key) : key);
  const choice = (key: string): ColumnChoice => ({ name: columnOf(key), given: Object.hasOwn(map, key) });
  return {
    labels: { ...schema, fields: schema.fields.map((field) => ({ ...field, column: columnOf(field.column) })) },
    file: choice("file"),
    split: choice("split"),
  };
}

/**
 * @param where place for the message, e.g. `shard /data/train.parquet`
 * @throws UserError if a needed column is missing; the message names the missing columns and those that were found
 */
export function checkColumns(where: string, found: readonly string[], needed: readonly string[]): void {
  const missing = needed.filter((column) => !found.includes(column));
  if (missing.length === 0) return;
  const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  throw new UserError(
    `${where}: column${missing.length > 1 ? "s" : ""} ${quoted(missing)} missing, found ${quoted(found) || "none"}; ` +
      `name the columns that hold the labels (--columns label=column,…)`,
  );
}
