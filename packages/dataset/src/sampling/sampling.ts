// Defines Sampling, the meaning of `--sampling`: how often each image of the training part occurs in an epoch.
import { UserError } from "@lockstep/errors";
import { sha256Hex } from "../content-index.js";
import type { Dataset } from "../dataset.js";
import { type LabelTable, labelOf } from "../labels/label-table.js";

/** The sampling as the run spec holds it. */
export type Sampling =
  /** Each image occurs once per epoch. */
  | { readonly kind: "uniform" }
  /** All joint classes of these fields occur equally often. */
  | { readonly kind: "balanced"; readonly by: readonly string[] }
  /**
   * The user gives weights. `sha256` (hex) is over the weights of the training part in canonical order, float64,
   * little-endian.
   */
  | { readonly kind: "weights"; readonly sha256: string };

/** The sampling as a user writes it: `uniform`, `balanced`, `balanced:race+gender`, or the path of a weights file. */
export type SamplingRequest =
  | { readonly kind: "uniform" }
  | { readonly kind: "balanced"; readonly by: readonly string[] | null }
  | { readonly kind: "file"; readonly path: string };

export interface ResolvedSampling {
  readonly sampling: Sampling;
  /** By index in the training part; null for uniform sampling. */
  readonly weights: Float64Array | null;
}

/**
 * Gives every joint class of the fields `by` the same total weight.
 * @param train samples of the training part
 * @param by class fields; null means those that the schema names for balanced sampling
 * @throws UserError if a name is not a label, or the label is not a class
 */
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
    const what = field === undefined ? "is not a label" : "is a number, not a class";
    throw new UserError(`sampling balanced: "${name}" ${what}; there are ${classes.join(", ")} (--sampling)`);
  }
  const jointClasses = Array.from(train, (sample) => fields.map((name) => labelOf(labels, name, sample)).join(" "));
  const counts = new Map<string, number>();
  for (const jointClass of jointClasses) counts.set(jointClass, (counts.get(jointClass) ?? 0) + 1);
  const weights = Float64Array.from(jointClasses, (jointClass) => 1 / (counts.get(jointClass) ?? 1));
  return { sampling: { kind: "balanced", by: fields }, weights };
}

function defaultFields({ schema }: LabelTable): readonly string[] {
  const fields = schema.balanced ?? schema.fields.filter(({ kind }) => kind === "class").map(({ name }) => name);
  if (fields.length > 0) return fields;
  throw new UserError(`sampling balanced: the recipe's labels have no classes; give weights (--sampling weights.csv)`);
}

/** The hash depends only on the images and their weights, not on file names or the form of the data. */
export function weightsSampling(weights: Float64Array): ResolvedSampling {
  const bytes = new DataView(new ArrayBuffer(8 * weights.length));
  weights.forEach((weight, index) => {
    bytes.setFloat64(8 * index, weight, true);
  });
  return { sampling: { kind: "weights", sha256: sha256Hex(new Uint8Array(bytes.buffer)) }, weights };
}

/** What of a data set is needed to match the rows of a weights file with images. */
export type NamedImages = Pick<Dataset, "imageName" | "contentSha256" | "labels" | "skipped" | "unlabelled">;
