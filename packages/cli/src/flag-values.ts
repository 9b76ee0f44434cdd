// Owns how a flag's text becomes a value: schemas whose messages say what is allowed.
import { parseSampling } from "@lockstep/dataset";
import { z } from "zod";

export const anyText = z.string().min(1, "must not be empty");

/** A flag without a value. */
export const switchedOn = z.boolean().default(false);

export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.optional();
}

export function choice<const Names extends readonly [string, ...string[]]>(...names: Names) {
  return z.enum(names, { error: `must be one of ${names.join(", ")}` });
}

export function wholeNumber(least: number, greatest = Number.MAX_SAFE_INTEGER) {
  const limits = greatest === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${greatest}`;
  return parsed(`must be a whole number ${limits}`, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= greatest ? value : null;
  });
}

/** least and greatest included. */
export function number(least: number, greatest = Number.POSITIVE_INFINITY) {
  const limits = greatest === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${greatest}`;
  return parsed(`must be a number ${limits}`, (text) => {
    const value = toNumber(text);
    return value >= least && value <= greatest && Number.isFinite(value) ? value : null;
  });
}

/** From 0 to below 1. */
export function shareBelowOne() {
  return parsed("must be a number of at least 0 and below 1", (text) => {
    const value = toNumber(text);
    return value >= 0 && value < 1 ? value : null;
  });
}

/** Above 0; greatest included. */
export function positiveNumber(greatest = Number.POSITIVE_INFINITY) {
  const limits = greatest === Number.POSITIVE_INFINITY ? "above 0" : `above 0 and at most ${greatest}`;
  return parsed(`must be a number ${limits}`, (text) => {
    const value = toNumber(text);
    return value > 0 && value <= greatest && Number.isFinite(value) ? value : null;
  });
}

export function commaSeparated<Value>(item: z.ZodType<Value, string>) {
  return z.string().transform((text, context) => {
    const values = text.split(",").map((part) => item.safeParse(part.trim()));
    const bad = values.find((value) => !value.success);
    if (bad === undefined) return values.flatMap((value) => (value.success ? [value.data] : []));
    context.addIssue({ code: "custom", message: `each of the list ${bad.error?.issues[0]?.message}` });
    return z.NEVER;
  });
}

/** `race=ethnicity,file=path`: by label, the column that it stands in. */
export const columnMap = z.string().transform((text, context) => {
  const pairs = text.split(",").map((part) => /^\s*([^=]+?)\s*=\s*(.+?)\s*$/.exec(part));
  if (pairs.every((pair) => pair !== null)) {
    return Object.fromEntries(pairs.map((pair): [string, string] => [pair[1] ?? "", pair[2] ?? ""])); // both have matched
  }
  context.addIssue({ code: "custom", message: "must be like race=ethnicity,age=age_group" });
  return z.NEVER;
});

export const sampling = z.string().transform((text, context) => {
  const request = parseSampling(text.trim());
  if (request !== null) return request;
  context.addIssue({ code: "custom", message: "must be uniform, balanced, balanced:LABEL+LABEL or a file FILE.csv" });
  return z.NEVER;
});

/** `gender=1,race=2`: tasks left away weigh 1. */
export const taskWeights = z.string().transform((text, context) => {
  const weights: Partial<Record<"gender" | "race" | "age", number>> = {};
  for (const part of text.split(",")) {
    const match = /^(gender|race|age)=(.+)$/.exec(part.trim());
    const task = match?.[1];
    const value = toNumber(match?.[2] ?? "");
    if ((task === "gender" || task === "race" || task === "age") && value >= 0 && Number.isFinite(value)) {
      weights[task] = value;
      continue;
    }
    context.addIssue({ code: "custom", message: "must be like gender=1,race=1,age=0.5 with numbers of at least 0" });
    return z.NEVER;
  }
  return weights;
});

function parsed(message: string, parse: (text: string) => number | null) {
  return z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== null) return value;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

function toNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
