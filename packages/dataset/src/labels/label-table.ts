// Makes the table (labelTable) that holds a data set's labels, and the strata that a stratified draw keeps the shares of.
import type { ClassField, LabelSchema, SampleLabels } from "./label-schema.js";

/** Class indexes of a class field, values of a number field; by sample, in canonical order. */
export type LabelColumn = Uint8Array | Float32Array;

/** Structured-clonable. */
export interface LabelTable {
  readonly schema: LabelSchema;
  readonly numSamples: number;
  /** By field name. */
  readonly columns: Readonly<Record<string, LabelColumn>>;
}

export function labelTable(schema: LabelSchema, samples: readonly SampleLabels[]): LabelTable {
  const columns = schema.fields.map(({ name, kind }): [string, LabelColumn] => {
    // Adding 0 takes the sign of -0 away, which would be another fingerprint.
    const values = samples.map((labels) => labels[name] ?? Number.NaN);
    return [name, kind === "class" ? Uint8Array.from(values) : Float32Array.from(values, (value) => value + 0)];
  });
  return { schema, numSamples: samples.length, columns: Object.fromEntries(columns) };
}

/** The field's value of one sample. */
export function labelOf({ columns, numSamples }: LabelTable, field: string, sample: number): number {
  const column = columns[field];
  if (column === undefined)
    throw new RangeError(`there is no label "${field}" among ${Object.keys(columns).join(", ")}`);
  const value = column[sample];
  if (value === undefined) throw new RangeError(`sample ${sample} is not among the ${numSamples} of the label table`);
  return value;
}

export function labelsOf(table: LabelTable, sample: number): SampleLabels {
  return Object.fromEntries(table.schema.fields.map(({ name }) => [name, labelOf(table, name, sample)]));
}

/** Above that many cells a draw that keeps each cell's share says nothing any more. */
const maxStrata = 2 ** 20;

/** Class fields whose joint cells are the strata: the leading ones, as long as there are not too many cells. */
function stratifiedFields({ fields }: LabelSchema): ClassField[] {
  const chosen: ClassField[] = [];
  let cells = 1;
  for (const field of fields) {
    if (field.kind !== "class") continue;
    cells *= field.classes.length;
    if (cells > maxStrata) break;
    chosen.push(field);
  }
  return chosen;
}

/** Joint cells of the class fields. */
export function numStrata(schema: LabelSchema): number {
  return stratifiedFields(schema).reduce((cells, { classes }) => cells * classes.length, 1);
}

/** Sample to its stratum, 0..numStrata-1. */
export function strataOf(table: LabelTable): (sample: number) => number {
  const fields = stratifiedFields(table.schema);
  return (sample) =>
    fields.reduce((stratum, { name, classes }) => stratum * classes.length + labelOf(table, name, sample), 0);
}
