// Defines Sampling, the meaning of `--sampling`: how often each image of the training part is wanted in an epoch.
import { UserError } from "@lockstep/errors";
import { sha256Hex } from "../content-index.js";
import type { Dataset } from "../dataset.js";
import { type LabelTable, labelOf } from "../labels/label-table.js";

/** As it stands in the run spec. */
export type Sampling =
  /** Each image once an epoch. */
  | { readonly kind: "uniform" }
  /** Every joint class of these fields as often as any other. */
  | { readonly kind: "balanced"; readonly by: readonly string[] }
  /** By a file of weights: SHA-256 (hex) over those of the training part in canonical order, float64, little-endian. */
  | { readonly kind: "weights"; readonly sha256: string };

/** As a user writes it: `uniform`, `balanced`, `balanced:race+gender`, or a file of weights. */
export type SamplingRequest =
  | { readonly kind: "uniform" }
  | { readonly kind: "balanced"; readonly by: readonly string[] | null }
  | { readonly kind: "file"; readonly path: string };

export interface ResolvedSampling {
  readonly sampling: Sampling;
  /** By place in the training part; null where uniform. */
  readonly weights: Float64Array | null;
}

/** @throws UserError where a named label is none, or is no class */
export function balancedSampling(
  labels: LabelTable,
  train: Uint32Array,
  by: readonly string[] | null,
): ResolvedSampling {
  const fields = by ?? defaultFields(labels);
  for (const name of fields) {
    const field = labels.schema.fields.find((candidate) => candidate.name === name);
    if (field?.kind === "class") continue;
    const classes = labels.schema.fields.filter(({ kind }) => kind === "class").map((candidate) => candidate.name);
    const what = field === undefined ? "is no label" : "is a number, not a class";
    throw new UserError(`sampling balanced: "${name}" ${what}; there are ${classes.join(", ")} (--sampling)`);
  }
  const cells = Array.from(train, (sample) => fields.map((name) => labelOf(labels, name, sample)).join(" "));
  const counts = new Map<string, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const weights = Float64Array.from(cells, (cell) => 1 / (counts.get(cell) ?? 1));
  return { sampling: { kind: "balanced", by: fields }, weights };
}

function defaultFields({ schema }: LabelTable): readonly string[] {
  const fields = schema.balanced ?? schema.fields.filter(({ kind }) => kind === "class").map(({ name }) => name);
  if (fields.length > 0) return fields;
  throw new UserError(`sampling balanced: the recipe's labels have no classes; give weights (--sampling weights.csv)`);
}

/** The same weights for the same images, whatever their names or the form that they come in. */
export function weightsSampling(weights: Float64Array): ResolvedSampling {
  const bytes = new DataView(new ArrayBuffer(8 * weights.length));
  weights.forEach((weight, index) => {
    bytes.setFloat64(8 * index, weight, true);
  });
  return { sampling: { kind: "weights", sha256: sha256Hex(new Uint8Array(bytes.buffer)) }, weights };
}

/** The part of a data set that weights are found by. */
export type NamedImages = Pick<Dataset, "imageName" | "contentSha256" | "labels" | "skipped" | "unlabelled">;
