// Defines LabelSchema: the fields that a recipe declares, where each is read from, and which values it may have.
import { UserError } from "@lockstep/errors";

/** One of a fixed list of classes; stored as its index. */
export interface ClassField {
  readonly kind: "class";
  /** What the field is called in code, metrics and reports, e.g. `ageBin`. */
  readonly name: string;
  /** Column of a label file, or key of a record, e.g. `age`. */
  readonly column: string;
  /** 2 to 256 names, in the order of their indexes. */
  readonly classes: readonly string[];
}

/** A finite number; stored as float32. */
export interface NumberField {
  readonly kind: "number";
  readonly name: string;
  readonly column: string;
  /** Least value that is taken; none where absent. */
  readonly least?: number | undefined;
  readonly greatest?: number | undefined;
}

export type LabelField = ClassField | NumberField;

/** Plain data: it travels to threads and into fingerprints. */
export interface LabelSchema {
  /** Of the data that it describes, e.g. `fairface`. */
  readonly name: string;
  /** At least one. */
  readonly fields: readonly LabelField[];
  /** Class fields whose joint classes balanced sampling makes equally frequent; all class fields where absent. */
  readonly balanced?: readonly string[] | undefined;
}

/** By field name: a class index, or a number. */
export type SampleLabels = Readonly<Record<string, number>>;

const maxClasses = 256;

/** @throws UserError that names the field and what is wrong with it */
export function checkLabelSchema({ name, fields }: LabelSchema): void {
  const complain = (what: string): never => {
    throw new UserError(`label schema ${name}: ${what}`);
  };
  if (fields.length === 0) complain("has no fields; declare at least one label");
  const twice = fields.find((field, index) => fields.findIndex((other) => other.name === field.name) !== index);
  if (twice) complain(`field "${twice.name}" stands there twice; rename one`);
  for (const field of fields) {
    if (field.kind !== "class") continue;
    const { classes } = field;
    if (classes.length < 2 || classes.length > maxClasses) {
      complain(`field "${field.name}" has ${classes.length} classes; it needs 2 to ${maxClasses}`);
    }
    const repeated = classes.find((name, index) => classes.indexOf(name) !== index);
    if (repeated !== undefined) complain(`field "${field.name}" names class "${repeated}" twice; delete one`);
  }
}

/** What of a schema decides on bits: names, kinds, classes and their order; not the columns that they are read from. */
export function schemaText({ fields }: LabelSchema): string {
  return JSON.stringify(
    fields.map((field) =>
      field.kind === "class" ? [field.name, field.kind, field.classes] : [field.name, field.kind],
    ),
  );
}
