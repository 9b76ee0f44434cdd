// Reads and writes JSON files with `readJson` and `replaceJson`. What is read is checked by a schema.
import { readFile } from "node:fs/promises";
import { printable, UserError } from "@lockstep/errors";
import type { z } from "zod";
import { hasCode } from "./error-code.js";
import { type ReplaceOptions, replaceFile } from "./replace-file.js";

/** Replaces the file with indented JSON. */
export function replaceJson(path: string, value: unknown, options?: ReplaceOptions): Promise<void> {
  return replaceFile(path, jsonText(value), options);
}

/** Indented, with a line end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * @param remedy what the user can do about a broken file; part of the message
 * @returns null when the file does not exist
 * @throws UserError that names the file and what is wrong in it
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>, remedy?: string): Promise<T | null> {
  const text = await readText(path);
  return text === null ? null : parseJson(text, schema, { label: path, remedy });
}

/** Null when the file does not exist. @throws UserError when it cannot be read */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return null;
    throw new UserError(`${path}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * @param place.label what messages call the text, for example its path
 * @throws UserError that says in one line what is wrong
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
