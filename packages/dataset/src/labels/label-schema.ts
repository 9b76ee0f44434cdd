// Defines LabelSchema: the label fields that a recipe declares, the column of each field, and the values that it may
// have.
import { UserError } from "@lockstep/errors";

/** A label that is one of a fixed list of classes. It is stored as the index of the class. */
export interface ClassField {
  readonly kind: "class";
  /** Name of the field in code, metrics and reports, e.g. `ageBin`. */
  readonly name: string;
  /** Column of a label file, or key of a record, e.g. `age`. */
  readonly column: string;
  /** 2 to 256 names, in the order of their indexes. */
  readonly classes: readonly string[];
}

/** A label that is a finite number. It is stored as float32. */
export interface NumberField {
  readonly kind: "number";
  readonly name: string;
  readonly column: string;
  /** Least value that is accepted; default: no limit. */
  readonly least?: number | undefined;
  /** Greatest value that is accepted; default: no limit. */
  readonly greatest?: number | undefined;
}

export type LabelField = ClassField | NumberField;

/** Plain data, because it is sent to threads and is part of fingerprints. */
export interface LabelSchema {
  /** Name of the data that it describes, e.g. `fairface`. */
  readonly name: string;
  /** At least one field. */
  readonly fields: readonly LabelField[];
  /** Class fields whose joint classes balanced sampling makes equally frequent; default: all class fields. */
  readonly balanced?: readonly string[] | undefined;
}

/** By field name: a class index, or a number. */
export type SampleLabels = Readonly<Record<string, number>>;

const maxClasses = 256;

/** @throws UserError if the schema is not valid; the message names the field */
export function checkLabelSchema({ name, fields }: LabelSchema): void {
  const fail = (what: string): never => {
    throw new UserError(`label schema ${name}: ${what}`);
  };
  if (fields.length === 0) fail("has no fields; declare at least one label");
  const twice = fields.find((field, index) => fields.findIndex((other) => other.name === field.name) !== index);
  if (twice) fail(`field "${twice.name}" appears twice; rename one`);
  for (const field of fields) {
    if (field.kind !== "class") continue;
    const { classes } = field;
    if (classes.length < 2 || classes.length > maxClasses) {
      fail(`field "${field.name}" has ${classes.length} classes; it needs 2 to ${maxClasses}`);
    }
    const repeated = classes.find((name, index) => classes.indexOf(name) !== index);
    if (repeated !== undefined) fail(`field "${field.name}" names class "${repeated}" twice; delete one`);
  }
}

/**
 * Returns the part of a schema that the results depend on: names, kinds, classes and their order, but not the columns.
 */
export function schemaText({ fields }: LabelSchema): string {
  return JSON.stringify(
    fields.map((field) =>
      field.kind === "class" ? [field.name, field.kind, field.classes] : [field.name, field.kind],
    ),
  );
}
