// Makes the table of the labels of a data set (labelTable), and the strata for stratified draws (strataOf).
import type { ClassField, LabelSchema, SampleLabels } from "./label-schema.js";

/**
 * Class indexes of a class field (Uint8Array) or values of a number field (Float32Array), by sample in canonical order.
 */
export type LabelColumn = Uint8Array | Float32Array;

/** It can be sent through structured clone. */
export interface LabelTable {
  readonly schema: LabelSchema;
  readonly numSamples: number;
  /** By field name. */
  readonly columns: Readonly<Record<string, LabelColumn>>;
}

export function labelTable(schema: LabelSchema, samples: readonly SampleLabels[]): LabelTable {
  const columns = schema.fields.map(({ name, kind }): [string, LabelColumn] => {
    // Adding 0 turns -0 into 0. With -0 the fingerprint would be another one.
    const values = samples.map((labels) => labels[name] ?? Number.NaN);
    return [name, kind === "class" ? Uint8Array.from(values) : Float32Array.from(values, (value) => value + 0)];
  });
  return { schema, numSamples: samples.length, columns: Object.fromEntries(columns) };
}

/** Returns the value of a field for one sample. @throws RangeError if the field or the sample does not exist */
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

/** With more strata, each holds so few samples that keeping its share has no effect. */
const maxStrata = 2 ** 20;

/**
 * Returns the class fields whose joint classes are the strata: the first ones of the schema, up to maxStrata joint
 * classes.
 */
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

/** Returns the number of strata. */
export function numStrata(schema: LabelSchema): number {
  return stratifiedFields(schema).reduce((cells, { classes }) => cells * classes.length, 1);
}

/** Returns a function from a sample to its stratum, 0..numStrata-1. */
export function strataOf(table: LabelTable): (sample: number) => number {
  const fields = stratifiedFields(table.schema);
  return (sample) =>
    fields.reduce((stratum, { name, classes }) => stratum * classes.length + labelOf(table, name, sample), 0);
}
