// Owns how a flag's text becomes a value: schemas whose messages say what is allowed.
import { isIP } from "node:net";
import type { SamplingRequest } from "@lockstep/dataset";
import { z } from "zod";

/** What a value looks like where it need not be text, as JSON Schema says it: in a file of settings. */
export type ValueForm =
  | { readonly type: "string"; readonly enum?: readonly string[] }
  | NumberForm
  | SwitchForm
  | { readonly type: "array"; readonly items: ValueForm }
  | {
      readonly type: "object";
      readonly properties?: Readonly<Record<string, ValueForm>>;
      /** true: any JSON value. */
      readonly additionalProperties: ValueForm | boolean;
    };

/** words: what it may be besides true and false. */
interface SwitchForm {
  readonly type: "boolean";
  readonly words?: readonly string[];
}

interface NumberForm {
  readonly type: "number" | "integer";
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** Of the schemas below; of any other it is text. */
const forms = z.registry<{ readonly form: ValueForm }>();

export function formOf(schema: z.ZodType): ValueForm {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return formOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodBoolean) return { type: "boolean" };
  if (schema instanceof z.ZodEnum) return { type: "string", enum: schema.options.map(String) };
  return forms.get(schema)?.form ?? { type: "string" };
}

export const anyText = z.string().min(1, "must not be empty");

/** Of a certificate: a DNS name, whose first part may be `*`, or an IP address. */
export const hostName = z
  .string()
  .refine((text) => isIP(text) !== 0 || /^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?)+$/i.test(text), {
    error: "must be a host name or an IP address",
  });

/** A flag without a value. */
export const switchedOn = z.boolean().default(false);

/** A flag that stands alone, or has one word behind it. */
export function switchOrWord<const Word extends string>(word: Word) {
  const schema: z.ZodType<boolean | Word> = z.union([z.boolean(), z.literal(word)], {
    error: `must be ${word}, or nothing`,
  });
  forms.add(schema, { form: { type: "boolean", words: [word] } });
  return schema;
}

/** For people: `true, false or auto`. */
export function switchValues({ words = [] }: SwitchForm): string {
  const all = ["true", "false", ...words];
  return `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
}

export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.optional();
}

export function choice<const Names extends readonly [string, ...string[]]>(...names: Names) {
  return z.enum(names, { error: `must be one of ${names.join(", ")}` });
}

export function wholeNumber(least: number, greatest = Number.MAX_SAFE_INTEGER) {
  const limits = greatest === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${greatest}`;
  const form = { type: "integer", minimum: least, ...maximumOf(greatest) } as const;
  return parsed(`must be a whole number ${limits}`, form, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= greatest ? value : null;
  });
}

/** least and greatest included. */
export function number(least: number, greatest = Number.POSITIVE_INFINITY) {
  const limits = greatest === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${greatest}`;
  const form = { type: "number", minimum: least, ...maximumOf(greatest) } as const;
  return parsed(`must be a number ${limits}`, form, (text) => {
    const value = toNumber(text);
    return value >= least && value <= greatest && Number.isFinite(value) ? value : null;
  });
}

/** From 0 to below 1. */
export function shareBelowOne() {
  const form = { type: "number", minimum: 0, exclusiveMaximum: 1 } as const;
  return parsed("must be a number of at least 0 and below 1", form, (text) => {
    const value = toNumber(text);
    return value >= 0 && value < 1 ? value : null;
  });
}

/** Above 0; greatest included. */
export function positiveNumber(greatest = Number.POSITIVE_INFINITY) {
  const limits = greatest === Number.POSITIVE_INFINITY ? "above 0" : `above 0 and at most ${greatest}`;
  const form = { type: "number", exclusiveMinimum: 0, ...maximumOf(greatest) } as const;
  return parsed(`must be a number ${limits}`, form, (text) => {
    const value = toNumber(text);
    return value > 0 && value <= greatest && Number.isFinite(value) ? value : null;
  });
}

export function commaSeparated<Value>(item: z.ZodType<Value, string>) {
  const schema = z.string().transform((text, context) => {
    const values = text.split(",").map((part) => item.safeParse(part.trim()));
    const bad = values.find((value) => !value.success);
    if (bad === undefined) return values.flatMap((value) => (value.success ? [value.data] : []));
    context.addIssue({ code: "custom", message: `each of the list ${bad.error?.issues[0]?.message}` });
    return z.NEVER;
  });
  return schema.register(forms, { form: { type: "array", items: formOf(item) } });
}

/** `race=ethnicity,file=path`: by label, the column that it stands in. */
const columnMapOfText = z.string().transform((text, context) => {
  const pairs = text.split(",").map((part) => /^\s*([^=]+?)\s*=\s*(.+?)\s*$/.exec(part));
  if (pairs.every((pair) => pair !== null)) {
    return Object.fromEntries(pairs.map((pair): [string, string] => [pair[1] ?? "", pair[2] ?? ""])); // both have matched
  }
  context.addIssue({ code: "custom", message: "must be like race=ethnicity,age=age_group" });
  return z.NEVER;
});
export const columnMap = columnMapOfText.register(forms, {
  form: { type: "object", additionalProperties: { type: "string" } },
});

export const sampling = z.string().transform((text, context) => {
  const request = samplingRequest(text.trim());
  if (request !== null) return request;
  context.addIssue({ code: "custom", message: "must be uniform, balanced, balanced:LABEL+LABEL or a file FILE.csv" });
  return z.NEVER;
});

/** Null where the text has none of the forms that `--sampling` accepts. */
function samplingRequest(text: string): SamplingRequest | null {
  if (text === "uniform") return { kind: "uniform" };
  if (text === "balanced") return { kind: "balanced", by: null };
  const fields = /^balanced:([^+\s]+(?:\+[^+\s]+)*)$/.exec(text)?.[1];
  if (fields !== undefined) return { kind: "balanced", by: fields.split("+") };
  return text.endsWith(".csv") ? { kind: "file", path: text } : null;
}

/** More tiles a side make an image that few programs open. */
const maxSheetSide = 40;

/** `5x8`: rows and columns. */
export const sheetSize = z.string().transform((text, context) => {
  const [, rows = 0, columns = 0] = (/^(\d{1,2})x(\d{1,2})$/.exec(text.trim()) ?? []).map(Number);
  if (Math.min(rows, columns) > 0 && Math.max(rows, columns) <= maxSheetSide) return { rows, columns };
  context.addIssue({ code: "custom", message: `must be like 5x8, each from 1 to ${maxSheetSide}` });
  return z.NEVER;
});

/** `gender=1,race=2`: tasks left away weigh 1. */
const taskWeightsOfText = z.string().transform((text, context) => {
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
const weight: ValueForm = { type: "number", minimum: 0 };
export const taskWeights = taskWeightsOfText.register(forms, {
  form: { type: "object", properties: { gender: weight, race: weight, age: weight }, additionalProperties: false },
});

/** `units=64,sizes=[8,16]`: JSON values by name, text where it is no JSON; a dot in the name goes into a group. */
const recipeOptionsOfText = z.string().transform((text, context): OptionValues => {
  const options: OptionValues = {};
  for (const part of partsBetweenCommas(text)) {
    const [, name, value] = /^\s*([A-Za-z][\w.]*)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
    if (name === undefined || value === undefined) {
      context.addIssue({ code: "custom", message: "must be like units=64,sizes=[8,16]" });
      return z.NEVER;
    }
    place(options, name.split("."), jsonOrText(value));
  }
  return options;
});
export const recipeOptions = recipeOptionsOfText.register(forms, {
  form: { type: "object", additionalProperties: true },
});

type OptionValues = Record<string, z.core.util.JSONType>;

/** Commas inside of brackets and of quotes part nothing. */
function partsBetweenCommas(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"|./gs)) {
    if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
    if (token === "," && depth <= 0) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${token}`);
  }
  return parts;
}

function place(into: OptionValues, [name = "", ...rest]: readonly string[], value: z.core.util.JSONType): void {
  if (rest.length === 0) {
    into[name] = value;
    return;
  }
  const group = into[name];
  const inner: OptionValues = group !== null && typeof group === "object" && !Array.isArray(group) ? group : {};
  into[name] = inner;
  place(inner, rest, value);
}

function jsonOrText(text: string): z.core.util.JSONType {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parsed(message: string, form: NumberForm, parse: (text: string) => number | null) {
  const schema = z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== null) return value;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
  return schema.register(forms, { form });
}

/** A limit that is none has no place in a form. */
function maximumOf(greatest: number): Pick<NumberForm, "maximum"> {
  return greatest < Number.MAX_SAFE_INTEGER ? { maximum: greatest } : {};
}

function toNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
