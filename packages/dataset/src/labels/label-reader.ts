// Owns turning what a record says (text of a CSV cell, a value of a table or of JSON) into labels. Every complaint names
// the place, the column and the value.
import { UserError } from "@lockstep/errors";
import type { LabelField, LabelSchema, SampleLabels } from "./label-schema.js";

/** One row of labels as it stands in the data: by column. */
export type RawLabels = Readonly<Record<string, unknown>>;

/** @param where for complaints, e.g. `labels.csv, line 3`. @throws UserError */
export function readLabels(where: string, schema: LabelSchema, raw: RawLabels): SampleLabels {
  return Object.fromEntries(schema.fields.map((field) => [field.name, readLabel(where, field, raw[field.column])]));
}

function readLabel(where: string, field: LabelField, raw: unknown): number {
  const text = raw === undefined || raw === null ? "" : String(raw).trim();
  return field.kind === "class"
    ? classOf(where, field.column, field.classes, text)
    : numberOf(where, field, text === "" ? Number.NaN : Number(text), text);
}

function classOf(where: string, column: string, names: readonly string[], text: string): number {
  const index = names.indexOf(text);
  if (index >= 0) return index;
  const original = spreadsheetDates.get(text);
  if (original !== undefined && names.includes(original)) {
    throw new UserError(
      `${where}: ${column} "${text}" is what a spreadsheet made of "${original}"; restore the label file as published, ` +
        `or change "03-Sep" back to "3-9" and "Oct-19" back to "10-19"`,
    );
  }
  const what = text === "" ? `no ${column}` : `unknown ${column} "${text}"`;
  throw new UserError(`${where}: ${what}; expected one of ${names.join(", ")}`);
}

function numberOf(where: string, field: LabelField & { kind: "number" }, value: number, text: string): number {
  const { column, least = Number.NEGATIVE_INFINITY, greatest = Number.POSITIVE_INFINITY } = field;
  if (Number.isFinite(value) && value >= least && value <= greatest) return value;
  const limits = Number.isFinite(least) || Number.isFinite(greatest) ? ` from ${least} to ${greatest}` : "";
  throw new UserError(`${where}: ${text === "" ? `no ${column}` : `${column} "${text}"`}; expected a number${limits}`);
}

/** Age bins that spreadsheets take for dates. */
const spreadsheetDates: ReadonlyMap<string, string> = new Map([
  ["03-Sep", "3-9"],
  ["3-Sep", "3-9"],
  ["09-Mar", "3-9"],
  ["Oct-19", "10-19"],
  ["19-Oct", "10-19"],
]);
