// Owns the column map (--columns): where in this data the labels, the image and the part of the split stand. Labels are
// mapped by a schema that reads other columns: a form knows nothing else of it.
import { UserError } from "@lockstep/errors";
import type { LabelSchema } from "../labels/label-schema.js";

export interface ColumnChoice {
  readonly name: string;
  /** Whether the user named it: then it has to be there. */
  readonly given: boolean;
}

export interface DataColumns {
  /** The recipe's labels, each with the column that this data has it in. */
  readonly labels: LabelSchema;
  /** The image's path, or the image itself. */
  readonly file: ColumnChoice;
  /** Part of the official split; read where it is there. */
  readonly split: ColumnChoice;
}

/** @throws UserError where the map names what is no label's column */
export function dataColumns(schema: LabelSchema, map: Readonly<Record<string, string>>): DataColumns {
  const known = [...new Set([...schema.fields.map(({ column }) => column), "file", "split"])];
  const stranger = Object.keys(map).find((key) => !known.includes(key));
  if (stranger !== undefined) {
    throw new UserError(
      `columns: "${stranger}" is no label of this data set; there are ${known.join(", ")} (--columns)`,
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

/** @throws UserError that names the missing columns beside those that are there */
export function checkColumns(where: string, found: readonly string[], needed: readonly string[]): void {
  const missing = needed.filter((column) => !found.includes(column));
  if (missing.length === 0) return;
  const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  throw new UserError(
    `${where}: column${missing.length > 1 ? "s" : ""} ${quoted(missing)} missing, found ${quoted(found) || "none"}; ` +
      `say where the labels stand (--columns label=column,…)`,
  );
}
