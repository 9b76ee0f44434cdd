// `textForm` and `jsonForm` convert between a setting's value and its text. Flags and variables are text: the text of `[8, 16]`
// is `8,16`. The form of the text follows from the value's schema.
import { z } from "zod";

/**
 * @returns the JSON value for the schema to check. Text inside of a list or an object is converted too. Text without the schema's
 * form is not converted, so that the schema refuses it with its own message.
 */
export function jsonForm(schema: z.ZodType, given: unknown): unknown {
  const form = formOf(schema);
  if (form instanceof z.ZodArray) {
    const items = typeof given === "string" ? given.split(",").map((part) => part.trim()) : given;
    return Array.isArray(items) ? items.map((item) => jsonForm(form.element as z.ZodType, item)) : items;
  }
  if (form instanceof z.ZodObject || form instanceof z.ZodRecord) {
    const pairs = typeof given === "string" ? pairsIn(given, form) : given;
    if (typeof pairs !== "object" || pairs === null || Array.isArray(pairs)) return pairs;
    return Object.fromEntries(Object.entries(pairs).map(([name, part]) => [name, jsonForm(partOf(form, name), part)]));
  }
  if (typeof given !== "string") return given;
  if (form instanceof z.ZodNumber) return numberIn(given) ?? given;
  return isSwitch(form) ? (switchWords.get(given) ?? given) : given;
}

const switchWords = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

/** @param value an input or output value of the schema */
export function textForm(value: unknown): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value !== "object" || value === null) return String(value);
  const pairs = Object.entries(value).map(([name, part]) => `${name}=${Array.isArray(part) ? part.join("+") : part}`);
  return pairs.join(",");
}

/** @returns the inner schema, without default, optional and transform */
export function formOf(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) return formOf(schema.in as z.ZodType);
  const isWrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return isWrapped ? formOf(schema.unwrap() as z.ZodType) : schema;
}

/** Whether the flag can be given without a value. */
export function isSwitch(schema: z.ZodType): schema is z.ZodBoolean | z.ZodLiteral<boolean | string> {
  return schema instanceof z.ZodBoolean || (schema instanceof z.ZodLiteral && schema.values.has(true));
}

type Pairs = z.ZodObject | z.ZodRecord;

function partOf(form: Pairs, name: string): z.ZodType {
  return form instanceof z.ZodObject ? (form.shape[name] ?? z.unknown()) : (form.valueType as z.ZodType);
}

/** Reads `gender=1,race=2`. A value that may be any JSON is parsed as JSON; if that fails, it is text. */
function pairsIn(text: string, form: Pairs): unknown {
  const isJson = form instanceof z.ZodRecord && form.valueType instanceof z.ZodUnknown;
  const parts = isJson ? partsOfJson(text) : text.split(",");
  const pairs = parts.map((part) => /^\s*([^=]+?)\s*=\s*(.*?)\s*$/s.exec(part));
  if (!pairs.every((pair) => pair !== null)) return text;
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, isJson ? jsonOrText(value) : value]));
}

/** Splits at commas, except inside brackets and quotes. */
function partsOfJson(text: string): string[] {
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

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function numberIn(text: string): number | null {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : null;
}
