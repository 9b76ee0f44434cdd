// Replaces labels that are stored as numbers by the class names that the data gives for these numbers (nameClasses).
// The numbers need not follow the schema's order of classes, so a number without a name is refused; nothing is guessed.
import { UserError } from "@lockstep/errors";
import type { RawLabels } from "./label-reader.js";
import type { LabelSchema } from "./label-schema.js";

/** By column: names of the classes, indexed by the numbers of the data. */
export type ClassNames = Readonly<Record<string, readonly string[]>>;

/** Returns the record with names in place of numbers. @throws UserError if a number stands for no class */
export function nameClasses(where: string, schema: LabelSchema, raw: RawLabels, names: ClassNames): RawLabels {
  const named: Record<string, unknown> = { ...raw };
  for (const field of schema.fields) {
    const { column } = field;
    const value = raw[column];
    if (typeof value !== "number" && typeof value !== "bigint") continue;
    const known = Object.hasOwn(names, column) ? names[column] : undefined;
    if (known !== undefined) {
      named[column] = known[Number(value)] ?? noSuchClass(where, column, value, known.length);
    } else if (field.kind === "class" && !field.classes.includes(String(value))) {
      throw new UserError(
        `${where}: ${column} is the number ${value}, and the data does not name its classes; ` +
          `store names (${field.classes.slice(0, 3).join(", ")}, …), or name the classes in the file's metadata`,
      );
    }
  }
  return named;
}

function noSuchClass(where: string, column: string, value: number | bigint, numClasses: number): never {
  throw new UserError(
    `${where}: ${column} ${value} stands for no class; the data names the classes of the numbers 0 to ${numClasses - 1}`,
  );
}
