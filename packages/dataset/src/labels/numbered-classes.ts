// Owns labels that are stored as numbers: a number stands for the class that the data itself names for it, whatever our
// order of classes is. Without names it means nothing, and nothing is guessed.
import { UserError } from "@lockstep/errors";
import type { RawLabels } from "./label-reader.js";
import type { LabelSchema } from "./label-schema.js";

/** By column: names of the classes, in the order of the data's numbers. */
export type ClassNames = Readonly<Record<string, readonly string[]>>;

/** The record with names in place of numbers. @throws UserError where a number stands for no class */
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
    `${where}: ${column} ${value} stands for no class; the data names those of 0 to ${numClasses - 1}`,
  );
}
