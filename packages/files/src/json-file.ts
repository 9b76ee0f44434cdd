// Reads JSON files, checked by a schema, with `readJson`, and writes them with `replaceJson`.
import { readFile } from "node:fs/promises";
import { printable, UserError } from "@lockstep/errors";
import type { z } from "zod";
import { hasCode } from "./error-code.js";
import { type ReplaceOptions, replaceFile } from "./replace-file.js";

/** Replaces the file's content with indented JSON. */
export function replaceJson(path: string, value: unknown, options?: ReplaceOptions): Promise<void> {
  return replaceFile(path, jsonText(value), options);
}

/** Indented JSON that ends with a line feed. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Reads the file and checks it by the schema.
 * @param remedy what the user can do about a broken file; it ends the error message
 * @returns null when the file does not exist
 * @throws UserError if the file cannot be read, is not JSON or does not fit the schema; it names the file and the fault
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>, remedy?: string): Promise<T | null> {
  const text = await readText(path);
  return text === null ? null : parseJson(text, schema, { label: path, remedy });
}

/**
 * @returns the file's text, UTF-8; null when the file does not exist
 * @throws UserError if the file cannot be read
 */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return null;
    throw new UserError(`${path}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Parses JSON text and checks it by the schema.
 * @param place.label how messages name the text, for example its path
 * @param place.remedy what the user can do about broken text; it ends the error message
 * @throws UserError if the text is not JSON or does not fit the schema; it describes the first fault in one line
 */
export function parseJson<T>(
  text: string,
  schema: z.ZodType<T>,
  { label, remedy }: { readonly label: string; readonly remedy?: string | undefined },
): T {
  const refuse = (what: string): UserError =>
    new UserError(`${label}: ${printable(what)}${remedy === undefined ? "" : `; ${remedy}`}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(`is not JSON: ${(error as SyntaxError).message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  throw refuse(`${place}${issue?.message}`);
}
