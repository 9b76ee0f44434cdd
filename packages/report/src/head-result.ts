// Pairs the predictions of a head with the labels of the samples (headResult): the predicted class and the
// probabilities of all classes, or the predicted number and the class that it falls into. Pure.
//
// S samples, K classes
import { type ClassField, type LabelField, type LabelSchema, type LabelTable, labelOf } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { type ClassHead, type EvaluatedHead, greatest, type NumberHead, type Recipe, softmax } from "@lockstep/recipe";
import { binOf } from "./number-errors.js";

/** The predictions of one head for every sample of the part, in order; row-major, S x width. */
export interface HeadPredictions {
  readonly width: number;
  readonly values: Float32Array;
}

export type HeadResult = ClassHeadResult | NumberHeadResult;

/** Actual and predicted class indexes, S each. */
export interface ClassPairs {
  /** Class names by index. */
  readonly classes: readonly string[];
  readonly actual: Uint8Array;
  readonly predicted: Uint8Array;
}

export interface ClassHeadResult extends ClassPairs {
  readonly kind: "classes";
  readonly name: string;
  readonly label: string;
  /** Probability of each class. */
  readonly probabilities_SK: Float64Array;
}

export interface NumberHeadResult {
  readonly kind: "number";
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  /** Shape S, in `unit`. */
  readonly actual: Float64Array;
  /** Shape S, in `unit`. */
  readonly predicted: Float64Array;
  /**
   * The classes of the label, and the classes that the predicted numbers fall into; null if the head has no class
   * edges.
   */
  readonly bins: ClassPairs | null;
}

/** @throws UserError if a head of the recipe does not fit its label; the message names the head */
export function checkHeads({ name, heads }: Pick<Recipe, "name" | "heads">, schema: LabelSchema): void {
  for (const head of heads) {
    const problem = problemOf(head, schema);
    if (problem !== null) throw new UserError(`recipe ${name}: head "${head.name}" ${problem}`);
  }
}

/** Returns a text that follows `head "x" ` in a message, or null if the head fits its label. */
function problemOf(head: EvaluatedHead, { fields }: LabelSchema): string | null {
  const field = fields.find(({ name }) => name === head.label);
  if (field === undefined) {
    const known = fields.map(({ name }) => name).join(", ");
    return `names the label "${head.label}", which is not among the recipe's labels ${known}`;
  }
  if (head.kind === "classes") {
    return field.kind === "class" ? null : `is a class head, but its label "${head.label}" is a number`;
  }
  if (field.kind === "number") {
    const classless = head.classValues === undefined && head.classEdges === undefined;
    return classless ? null : `has classValues or classEdges, but label "${head.label}" has no classes`;
  }
  const numClasses = field.classes.length;
  if (head.classValues?.length !== numClasses) {
    return `needs classValues, one number for each of the ${numClasses} classes of label "${head.label}"`;
  }
  if (head.classEdges === undefined || areEdges(head.classEdges, numClasses)) return null;
  return `needs ${numClasses - 1} ascending classEdges for the ${numClasses} classes of label "${head.label}"`;
}

/** @param head a head that checkHeads has accepted */
export function headResult(
  head: EvaluatedHead,
  data: { readonly labels: LabelTable; readonly samples: Uint32Array; readonly predictions: HeadPredictions },
): HeadResult {
  const { labels, samples, predictions } = data;
  const field = labels.schema.fields.find(({ name }) => name === head.label);
  if (field === undefined) throw new Error(`head ${head.name}: there is no label ${head.label}`);
  const actual = Array.from(samples, (sample) => labelOf(labels, head.label, sample));
  if (actual.length * predictions.width !== predictions.values.length) {
    throw new Error(`head ${head.name}: ${predictions.values.length} values for ${actual.length} samples`);
  }
  return head.kind === "classes"
    ? classHeadResult(head, field, actual, predictions)
    : numberHeadResult(head, field, actual, predictions);
}

function classHeadResult(
  head: ClassHead,
  field: LabelField,
  actual: number[],
  predictions: HeadPredictions,
): ClassHeadResult {
  if (field.kind !== "class") throw new Error(`head ${head.name}: label ${field.name} has no classes`);
  const logits = logitsOf(head, field, predictions);
  const numClasses = field.classes.length;
  const predicted = new Uint8Array(actual.length);
  const probabilities_SK = new Float64Array(actual.length * numClasses);
  for (let s = 0; s < actual.length; s++) {
    const logits_K = logits(s);
    predicted[s] = greatest(logits_K);
    probabilities_SK.set(softmax(logits_K).probabilities_K, s * numClasses);
  }
  const { name, label } = head;
  return {
    kind: "classes",
    name,
    label,
    classes: field.classes,
    actual: Uint8Array.from(actual),
    predicted,
    probabilities_SK,
  };
}

function numberHeadResult(
  head: NumberHead,
  field: LabelField,
  actual: number[],
  predictions: HeadPredictions,
): NumberHeadResult {
  const { name, label, unit, classValues, classEdges } = head;
  if (predictions.width !== 1) {
    throw new UserError(
      `head "${name}" predicts ${predictions.width} values per sample; a number head must predict one`,
    );
  }
  const predicted = Float64Array.from(predictions.values);
  const values = classValues === undefined ? actual : actual.map((index) => classValues[index] ?? Number.NaN);
  const bins =
    field.kind === "class" && classEdges !== undefined
      ? {
          classes: field.classes,
          actual: Uint8Array.from(actual),
          predicted: Uint8Array.from(predicted, (value) => binOf(value, classEdges)),
        }
      : null;
  return { kind: "number", name, label, unit, actual: Float64Array.from(values), predicted, bins };
}

/**
 * Returns the logits of a sample. A head of two classes may predict only the logit of the second class; that of the
 * first is then 0.
 */
function logitsOf(
  { name }: ClassHead,
  { classes }: ClassField,
  { width, values }: HeadPredictions,
): (sample: number) => readonly number[] {
  if (width === classes.length) return (sample) => [...values.subarray(sample * width, (sample + 1) * width)];
  if (width === 1 && classes.length === 2) return (sample) => [0, values[sample] ?? Number.NaN];
  throw new UserError(
    `head "${name}" predicts ${width} values per sample, but its label has ${classes.length} classes`,
  );
}

function areEdges(edges: readonly number[], numClasses: number): boolean {
  return edges.length === numClasses - 1 && edges.every((edge, k) => k === 0 || edge > (edges[k - 1] ?? Number.NaN));
}
