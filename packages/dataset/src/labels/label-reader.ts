// Turns the values of a record (a CSV cell, a value of a table or of JSON) into labels (readLabels). Every error
// message names the place, the column and the value.
import { UserError } from "@lockstep/errors";
import type { LabelRepairs } from "./label-repairs.js";
import type { ClassField, LabelField, LabelSchema, NumberField, SampleLabels } from "./label-schema.js";
import { nearestClass } from "./nearest-class.js";
import { quoted } from "./quoted.js";
import { classesTurnedInto } from "./spreadsheet-dates.js";

/** The values of one record as they are in the data, by column. */
export type RawLabels = Readonly<Record<string, unknown>>;

/**
 * @param where place for messages, e.g. `labels.csv, line 3`
 * @param repairs if given, dates that a spreadsheet made of class names are accepted and counted here
 * @throws UserError if a value is missing or is not one that the schema allows
 */
export function readLabels(where: string, schema: LabelSchema, raw: RawLabels, repairs?: LabelRepairs): SampleLabels {
  return Object.fromEntries(
    schema.fields.map((field) => [field.name, readLabel(where, field, raw[field.column], repairs)]),
  );
}

function readLabel(where: string, field: LabelField, raw: unknown, repairs: LabelRepairs | undefined): number {
  const text = raw === undefined || raw === null ? "" : String(raw).trim();
  return field.kind === "class" ? classOf(where, field, text, repairs) : numberOf(where, field, text);
}

function classOf(where: string, field: ClassField, text: string, repairs: LabelRepairs | undefined): number {
  const { column, classes } = field;
  const index = classes.indexOf(text);
  if (index >= 0) return index;
  const [original, ...others] = classesTurnedInto(text, classes);
  if (original !== undefined) {
    if (others.length === 0 && repairs) {
      repairs.note(text, original);
      return classes.indexOf(original);
    }
    throw new UserError(
      `${where}: ${column} ${quoted(text)} is a date that a spreadsheet made of ${[original, ...others].map(quoted).join(" or ")}; ` +
        `restore the label file as published${others.length === 0 ? ", or accept such labels (--repair-labels)" : ""}`,
    );
  }
  const what = text === "" ? `no ${column}` : `unknown ${column} ${quoted(text)}`;
  const nearest = nearestClass(text, classes);
  const hint = nearest === null ? "" : ` (did you mean ${quoted(nearest)}?)`;
  throw new UserError(`${where}: ${what}${hint}; expected one of ${namesText(classes)}`);
}

/** Decimal numbers as people and programs write them; it does not match `0x10`, `Infinity` or `1_000`. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Returns NaN if the text is not a decimal number. */
export function decimalNumber(text: string): number {
  return decimal.test(text) ? Number(text) : Number.NaN;
}

/** Returns a float32, because numbers are stored, compared and hashed as float32. -0 becomes 0. */
function numberOf(where: string, field: NumberField, text: string): number {
  const { column, least = Number.NEGATIVE_INFINITY, greatest = Number.POSITIVE_INFINITY } = field;
  const value = Math.fround(decimalNumber(text)) + 0;
  if (Number.isFinite(value) && value >= Math.fround(least) && value <= Math.fround(greatest)) return value;
  const limits = Number.isFinite(least) || Number.isFinite(greatest) ? ` from ${least} to ${greatest}` : "";
  throw new UserError(
    `${where}: ${text === "" ? `no ${column}` : `${column} ${quoted(text)}`}; expected a number${limits}`,
  );
}

const shownNames = 20;

function namesText(names: readonly string[]): string {
  const more = names.length > shownNames ? `, … (${names.length} in all)` : "";
  return `${names.slice(0, shownNames).join(", ")}${more}`;
}
