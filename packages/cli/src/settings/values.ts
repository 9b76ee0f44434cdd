// Zod schemas for the kinds of values that settings have; their messages tell what is allowed. `lockstep health` loads the
// settings every few seconds, so they import no code of the data set and recipe packages.
import { isIP } from "node:net";
import type { SamplingRequest } from "@lockstep/dataset";
import { z } from "zod";

const anyText = z.string({
  error: ({ input }) => `must be text${typeof input === "object" ? "" : ` (write "${input}")`}`,
});
export const text = anyText.min(1, "must not be empty");

/** A flag without a value. */
export const onOff = z.boolean({ error: "must be true or false" });

/** A flag that is given without a value, or with one word. */
export function onOffOr<const Word extends string>(word: Word) {
  return z.literal([true, false, word], { error: `must be true, false or ${word}` });
}

export function choice<const Names extends readonly [string, ...string[]]>(...names: Names) {
  return z.enum(names, { error: `must be one of ${names.join(", ")}` });
}

/** Both limits are allowed values. */
export function wholeNumber(least: number, greatest = Number.MAX_SAFE_INTEGER) {
  const limits = greatest === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${greatest}`;
  const error = `must be a whole number ${limits}`;
  return z.int({ error }).min(least, { error }).max(greatest, { error });
}

/** Both limits are allowed values. */
export function number(least: number, greatest?: number) {
  const error = `must be a number ${greatest === undefined ? `of at least ${least}` : `from ${least} to ${greatest}`}`;
  const schema = z.number({ error }).min(least, { error });
  return greatest === undefined ? schema : schema.max(greatest, { error });
}

/** From 0 to below 1. */
export function shareBelowOne() {
  const error = "must be a number of at least 0 and below 1";
  return z.number({ error }).min(0, { error }).lt(1, { error });
}

/** Above 0; greatest is an allowed value. */
export function positiveNumber(greatest?: number) {
  const error = `must be a number ${greatest === undefined ? "above 0" : `above 0 and at most ${greatest}`}`;
  const schema = z.number({ error }).gt(0, { error });
  return greatest === undefined ? schema : schema.max(greatest, { error });
}

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.array(item, { error: "must be a list" }).min(1, { error: "must not be empty" });
}

/** A host of a certificate: a DNS name, whose first part may be `*`, or an IP address. */
export const hostName = z
  .string()
  .refine((name) => isIP(name) !== 0 || /^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?)+$/i.test(name), {
    error: "must be a host name or an IP address",
  });

const columnsError = "must be like race=ethnicity,age=age_group";
/** Column names by label. */
export const columnMap = z.record(z.string(), z.string({ error: columnsError }).min(1, { error: columnsError }), {
  error: columnsError,
});

export const sampling = anyText.transform((name, context) => {
  const request = samplingRequest(name.trim());
  if (request !== null) return request;
  context.addIssue({ code: "custom", message: "must be uniform, balanced, balanced:LABEL+LABEL or a file FILE.csv" });
  return z.NEVER;
});

/** @returns null if the text has none of the forms of `--sampling` */
function samplingRequest(name: string): SamplingRequest | null {
  if (name === "uniform") return { kind: "uniform" };
  if (name === "balanced") return { kind: "balanced", by: null };
  const fields = /^balanced:([^+\s]+(?:\+[^+\s]+)*)$/.exec(name)?.[1];
  if (fields !== undefined) return { kind: "balanced", by: fields.split("+") };
  return name.endsWith(".csv") ? { kind: "file", path: name } : null;
}

/** Few programs can open an image with more tiles per side. */
const maxSheetSide = 40;

/** `5x8`: rows and columns. */
export const sheetSize = anyText.transform((size, context) => {
  const [, rows = 0, columns = 0] = (/^(\d{1,2})x(\d{1,2})$/.exec(size.trim()) ?? []).map(Number);
  if (Math.min(rows, columns) > 0 && Math.max(rows, columns) <= maxSheetSide) return { rows, columns };
  context.addIssue({ code: "custom", message: `must be like 5x8, each from 1 to ${maxSheetSide}` });
  return z.NEVER;
});

const weightsError = "must be like gender=1,race=1,age=0.5 with numbers of at least 0";
const weight = z.number({ error: weightsError }).min(0, { error: weightsError }).optional();
/** A task that is not named weighs 1. */
export const taskWeights = z.strictObject({ gender: weight, race: weight, age: weight }, { error: weightsError });

const optionsError = "must be like units=64,sizes=[8,16]: JSON values by name";
/** JSON values by name; a dot in the name goes into a group: `loss.age` is `age` of `loss`. */
export const recipeOptions = z
  .record(z.string().regex(/^[A-Za-z][\w.]*$/), z.unknown(), { error: optionsError })
  .refine((options) => z.json().safeParse(options).success, { error: optionsError })
  .transform((options) => {
    const grouped: OptionValues = {};
    // z.json() has checked that each is a JSON value.
    for (const [name, value] of Object.entries(options)) place(grouped, name.split("."), value as JsonValue);
    return grouped;
  });

type JsonValue = z.core.util.JSONType;
type OptionValues = Record<string, JsonValue>;

function place(into: OptionValues, [name = "", ...rest]: readonly string[], value: JsonValue): void {
  if (rest.length === 0) {
    into[name] = value;
    return;
  }
  const group = into[name];
  const inner: OptionValues = group !== null && typeof group === "object" && !Array.isArray(group) ? group : {};
  into[name] = inner;
  place(inner, rest, value);
}
