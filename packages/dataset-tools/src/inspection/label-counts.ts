// Counts the images of a data set by part and label (countLabels), for each field alone and for all class fields
// together. Pure.
import {
  type ClassField,
  type LabelTable,
  labelOf,
  type NumberField,
  type PartName,
  partNames,
  type Split,
} from "@lockstep/dataset";

/** Number of images of each part, and of all parts. */
export type PartCounts = Readonly<Record<PartName, number>> & { readonly all: number };

export interface LabelCounts {
  readonly images: PartCounts;
  /**
   * Number of images that are in no part: duplicates that a random split removes, and images that are not in the
   * subset.
   */
  readonly leftOut: number;
  readonly fields: readonly FieldCounts[];
  readonly joint: JointTable;
}

export type FieldCounts =
  | { readonly kind: "class"; readonly name: string; readonly classes: readonly ClassCount[] }
  | {
      readonly kind: "number";
      readonly name: string;
      readonly least: number;
      readonly median: number;
      readonly greatest: number;
    };

export interface ClassCount {
  readonly name: string;
  readonly images: PartCounts;
}

/** Counts by the joint classes of all class fields. */
export interface JointTable {
  readonly fields: readonly string[];
  /** Product of the numbers of classes of the fields. */
  readonly numCells: number;
  /** The cells that have images, in the order of the classes; the last field varies fastest. */
  readonly cells: readonly JointCell[];
}

export interface JointCell {
  /** The name of the class for each field. */
  readonly classes: readonly string[];
  readonly images: PartCounts;
}

export function countLabels(labels: LabelTable, split: Split): LabelCounts {
  const everywhere = partNames.flatMap((part) => [...split[part]]);
  const { fields } = labels.schema;
  return {
    images: countsOf(split, () => true),
    leftOut: labels.numSamples - everywhere.length,
    fields: fields.map((field) =>
      field.kind === "class" ? countClasses(labels, split, field) : numberRange(labels, everywhere, field),
    ),
    joint: jointTable(
      labels,
      split,
      fields.filter((field) => field.kind === "class"),
    ),
  };
}

function countClasses(labels: LabelTable, split: Split, { name, classes }: ClassField): FieldCounts {
  const counts = classes.map((className, index): ClassCount => {
    return { name: className, images: countsOf(split, (sample) => labelOf(labels, name, sample) === index) };
  });
  return { kind: "class", name, classes: counts };
}

function numberRange(labels: LabelTable, samples: readonly number[], { name }: NumberField): FieldCounts {
  const values = Float64Array.from(samples, (sample) => labelOf(labels, name, sample)).sort();
  const at = (place: number): number => values[place] ?? Number.NaN;
  const last = values.length - 1;
  return { kind: "number", name, least: at(0), median: at(Math.floor(last / 2)), greatest: at(last) };
}

function jointTable(labels: LabelTable, split: Split, fields: readonly ClassField[]): JointTable {
  const byCell = new Map<number, Record<PartName, number>>();
  for (const part of partNames) {
    for (const sample of split[part]) {
      const cell = fields.reduce(
        (index, { name, classes }) => index * classes.length + labelOf(labels, name, sample),
        0,
      );
      const counts = byCell.get(cell) ?? { train: 0, val: 0, test: 0 };
      counts[part] += 1;
      byCell.set(cell, counts);
    }
  }
  const cells = [...byCell].sort(([a], [b]) => a - b);
  return {
    fields: fields.map(({ name }) => name),
    numCells: fields.reduce((product, { classes }) => product * classes.length, 1),
    cells: cells.map(([cell, counts]) => ({ classes: classesOf(cell, fields), images: withAll(counts) })),
  };
}

function classesOf(cell: number, fields: readonly ClassField[]): string[] {
  const names: string[] = [];
  let rest = cell;
  for (const { classes } of fields.toReversed()) {
    names.unshift(classes[rest % classes.length] ?? "");
    rest = Math.floor(rest / classes.length);
  }
  return names;
}

function countsOf(split: Split, holds: (sample: number) => boolean): PartCounts {
  const count = (part: PartName): number => split[part].reduce((sum, sample) => sum + Number(holds(sample)), 0);
  return withAll({ train: count("train"), val: count("val"), test: count("test") });
}

function withAll(counts: Readonly<Record<PartName, number>>): PartCounts {
  return { ...counts, all: counts.train + counts.val + counts.test };
}
