// Owns how what zod complains of becomes one line: the field, its value, what it must be.
import type { z } from "zod";

/** @param value what was checked */
export function problemsOf(error: z.ZodError, value: unknown, whole = "value"): string {
  return error.issues
    .map((issue) => {
      const field = issue.path.join(".") || whole;
      const text = shown(valueAt(value, issue.path));
      return `${field}${text === null ? "" : ` ${text}`}: ${issue.message}`;
    })
    .join("; ");
}

function shown(value: unknown): string | null {
  if (value === undefined || typeof value === "function") return null;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? null : text;
}

function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], whole);
}
