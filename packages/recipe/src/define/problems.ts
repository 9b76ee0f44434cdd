// problemsOf: formats the issues of a zod error as one line, with each field, its value and what it must be.
import type { z } from "zod";

/**
 * @param value the value that was checked
 * @param whole the name of the value itself, used for an issue that is about no single field
 */
export function problemsOf(error: z.ZodError, value: unknown, whole = "value"): string {
  return error.issues
    .map((issue) => {
      const field = issue.path.join(".") || whole;
      const text = formatValue(valueAt(value, issue.path));
      return `${field}${text === null ? "" : ` ${text}`}: ${issue.message}`;
    })
    .join("; ");
}

/** Null if the value is absent, a function, or too long for a message. */
function formatValue(value: unknown): string | null {
  if (value === undefined || typeof value === "function") return null;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? null : text;
}

function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], whole);
}
