// Owns setting what a head says of each sample beside its label: the class that is meant and how probable each is, or the
// number and the class that it falls into. Pure.
//
// S samples, K classes
import { type ClassField, type LabelField, type LabelSchema, type LabelTable, labelOf } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { type ClassHead, type EvaluatedHead, greatest, type NumberHead, type Recipe, softmax } from "@lockstep/recipe";
import { binOf } from "./number-errors.js";

/** Of one head, for every sample of the part in order; row-major, S x width. */
export interface HeadPredictions {
  readonly width: number;
  readonly values: Float32Array;
}

export type JudgedHead = JudgedClasses | JudgedNumbers;

/** Class indexes, S each. */
export interface ClassPairs {
  /** Names, by index. */
  readonly classes: readonly string[];
  readonly actual: Uint8Array;
  readonly predicted: Uint8Array;
}

export interface JudgedClasses extends ClassPairs {
  readonly kind: "classes";
  readonly name: string;
  readonly label: string;
  /** Of each class. */
  readonly probabilities_SK: Float64Array;
}

export interface JudgedNumbers {
  readonly kind: "number";
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  /** S; in the unit. */
  readonly actual: Float64Array;
  readonly predicted: Float64Array;
  /** The classes that the label names and the predicted numbers fall into; null where the head has no edges. */
  readonly bins: ClassPairs | null;
}

/** @throws UserError where the recipe's heads do not fit its labels */
export function checkHeads({ name, heads }: Pick<Recipe, "name" | "heads">, schema: LabelSchema): void {
  for (const head of heads) {
    const problem = problemOf(head, schema);
    if (problem !== null) throw new UserError(`recipe ${name}: head "${head.name}" ${problem}`);
  }
}

/** Reads on from `head "x"`. */
function problemOf(head: EvaluatedHead, { fields }: LabelSchema): string | null {
  const field = fields.find(({ name }) => name === head.label);
  if (field === undefined) {
    const known = fields.map(({ name }) => name).join(", ");
    return `is judged by label "${head.label}", which is not among the recipe's labels ${known}`;
  }
  if (head.kind === "classes") {
    return field.kind === "class" ? null : `tells classes apart, but label "${head.label}" is a number`;
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

/** @param head one that checkHeads has seen */
export function judgeHead(
  head: EvaluatedHead,
  data: { readonly labels: LabelTable; readonly samples: Uint32Array; readonly predictions: HeadPredictions },
): JudgedHead {
  const { labels, samples, predictions } = data;
  const field = labels.schema.fields.find(({ name }) => name === head.label);
  if (field === undefined) throw new Error(`head ${head.name}: there is no label ${head.label}`);
  const actual = Array.from(samples, (sample) => labelOf(labels, head.label, sample));
  if (actual.length * predictions.width !== predictions.values.length) {
    throw new Error(`head ${head.name}: ${predictions.values.length} values for ${actual.length} samples`);
  }
  return head.kind === "classes"
    ? judgeClasses(head, field, actual, predictions)
    : judgeNumbers(head, field, actual, predictions);
}

function judgeClasses(head: ClassHead, field: LabelField, actual: number[], predictions: HeadPredictions): JudgedHead {
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

function judgeNumbers(head: NumberHead, field: LabelField, actual: number[], predictions: HeadPredictions): JudgedHead {
  const { name, label, unit, classValues, classEdges } = head;
  if (predictions.width !== 1) {
    throw new UserError(`head "${name}" predicts ${predictions.width} values a sample; a number is one`);
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

/** One logit is that of the second of two classes; the first one's is 0. */
function logitsOf(
  { name }: ClassHead,
  { classes }: ClassField,
  { width, values }: HeadPredictions,
): (sample: number) => readonly number[] {
  if (width === classes.length) return (sample) => [...values.subarray(sample * width, (sample + 1) * width)];
  if (width === 1 && classes.length === 2) return (sample) => [0, values[sample] ?? Number.NaN];
  throw new UserError(`head "${name}" predicts ${width} values a sample; its label has ${classes.length} classes`);
}

function areEdges(edges: readonly number[], numClasses: number): boolean {
  return edges.length === numClasses - 1 && edges.every((edge, k) => k === 0 || edge > (edges[k - 1] ?? Number.NaN));
}
