// resolveHead: makes a Head, with its width, loss and metrics, from a recipe's declaration of it and the labels'
// schema. scoring.ts computes the loss of a pass from the heads.
//
// K outputs of a head
import type { LabelSchema } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { EvaluatedHead, MetricRatio } from "../recipe.js";
import { at, type LossName, losses, predictedClass, type SampleLoss } from "./losses.js";

export interface HeadDeclaration {
  /** A field of the recipe's labels. The default is the head's own name. */
  readonly label?: string | undefined;
  /**
   * The loss of one sample: the name of a built-in loss, or a function of the sample's outputs and its target (the
   * index of a class, or a number). The function does not divide by the number of samples: Lockstep does.
   */
  readonly loss: LossName | SampleLoss;
  /** Factor of the head's loss in the total loss. The default is 1. */
  readonly weight?: number | undefined;
  /** Weight of each class in the loss. By default all classes have the same weight. */
  readonly classWeights?: "inverse-frequency" | readonly number[] | undefined;
  /** Number of outputs, for a loss that is a function. For a built-in loss it follows from the loss and the label. */
  readonly width?: number | undefined;
  /** Unit of the number that the head predicts, for reports; for example "years". */
  readonly unit?: string | undefined;
  /** The head's output is the number divided by `scale`. The default is 1. */
  readonly scale?: number | undefined;
  /** The number that represents each class of the label. With it, a head predicts a number for a label with classes. */
  readonly classValues?: readonly number[] | undefined;
  /** See NumberHead. */
  readonly classEdges?: readonly number[] | undefined;
}

/** A quantity that is summed over the samples; its mean over the samples is reported as a metric. */
export interface Measure {
  readonly sumName: string;
  readonly metric: MetricRatio;
  of(outputs_K: Float32Array, target: number): number;
}

/** A head whose declaration was checked against the labels. */
export interface Head {
  readonly name: string;
  readonly label: string;
  readonly width: number;
  readonly weight: number;
  readonly loss: SampleLoss;
  readonly lossUnit: string;
  readonly scale: number;
  /** The output that is right for a label's value: the class' index, or the number divided by `scale`. */
  targetOf(value: number): number;
  readonly classWeights: HeadDeclaration["classWeights"];
  /** Number of the label's classes; null if the label is a number. */
  readonly numClasses: number | null;
  readonly measures: readonly Measure[];
  readonly evaluated: EvaluatedHead;
}

/** @throws UserError that names the head and the field that does not fit the label */
export function resolveHead(name: string, declaration: HeadDeclaration, schema: LabelSchema): Head {
  const refuse = (what: string): never => {
    throw new UserError(`head ${name}: ${what}`);
  };
  const label = declaration.label ?? name;
  const field =
    schema.fields.find((candidate) => candidate.name === label) ??
    refuse(`label "${label}" is not in the recipe's labels (${schema.fields.map((known) => known.name).join(", ")})`);
  const numClasses = field.kind === "class" ? field.classes.length : null;
  const { loss, weight = 1, scale = 1, classValues, classWeights } = declaration;
  if (classValues !== undefined && classValues.length !== numClasses) {
    refuse(`classValues has ${classValues.length} numbers, label "${label}" has ${numClasses ?? "no"} classes`);
  }
  if (classWeights !== undefined && numClasses === null) refuse(`classWeights: label "${label}" has no classes`);
  if (Array.isArray(classWeights) && classWeights.length !== numClasses) {
    refuse(`classWeights has ${classWeights.length} numbers, label "${label}" has ${numClasses} classes`);
  }
  const isNumber = isNumberLoss(loss) || classValues !== undefined || numClasses === null;
  if (isNumberLoss(loss) && numClasses !== null && classValues === undefined) {
    refuse(
      `loss ${String(loss)} needs a number, label "${label}" has classes; give classValues, a number for each class`,
    );
  }
  if (isClassLoss(loss) && isNumber) refuse(`loss ${String(loss)} needs classes; label "${label}" is a number`);
  if (loss === "binaryCrossEntropy" && numClasses !== 2) {
    refuse(`loss binaryCrossEntropy needs two classes, label "${label}" has ${numClasses}; use crossEntropy`);
  }
  const width = widthOf(declaration, isNumber ? null : numClasses, refuse);
  const common = {
    ...{ name, label, width, weight, scale, numClasses, classWeights },
    loss: typeof loss === "function" ? loss : losses[loss],
  };
  return isNumber ? numberHead(common, declaration) : classHead(common);
}

function widthOf({ loss, width }: HeadDeclaration, numClasses: number | null, refuse: (what: string) => never): number {
  const needed = numClasses === null || loss === "binaryCrossEntropy" ? 1 : numClasses;
  if (width === undefined || width === needed) return needed;
  if (typeof loss === "function" && numClasses === 2 && width === 1) return width;
  return refuse(`width ${width}: its loss and label require ${needed} output${needed === 1 ? "" : "s"}; remove width`);
}

type CommonParts = Omit<Head, "targetOf" | "measures" | "evaluated" | "lossUnit">;

function classHead(common: CommonParts): Head {
  const { name, label } = common;
  return {
    ...common,
    lossUnit: "nats",
    targetOf: (value) => value,
    measures: [
      {
        sumName: `${name}Correct`,
        metric: mean(`${name}Accuracy`, `${name}Correct`, "fraction"),
        of: (outputs_K, target) => Number(predictedClass(outputs_K) === target),
      },
    ],
    evaluated: { kind: "classes", name, label },
  };
}

function numberHead(common: CommonParts, { unit = "", classValues, classEdges, loss }: HeadDeclaration): Head {
  const { name, label, scale } = common;
  const errorOf = (outputs_K: Float32Array, target: number) => at(outputs_K, 0) - target;
  const scaledUnit = scale === 1 ? unit : `${unit}/${scale}`;
  return {
    ...common,
    lossUnit: loss === "squaredError" ? `(${scaledUnit})^2` : scaledUnit,
    targetOf: (value) => (classValues === undefined ? value : at(classValues, value)) / scale,
    measures: [
      {
        sumName: `${name}AbsoluteError`,
        metric: mean(`${name}Mae`, `${name}AbsoluteError`, unit),
        of: (outputs_K, target) => Math.abs(errorOf(outputs_K, target)) * scale,
      },
      {
        sumName: `${name}SquaredError`,
        metric: { ...mean(`${name}Rmse`, `${name}SquaredError`, unit), squareRoot: true },
        of: (outputs_K, target) => (errorOf(outputs_K, target) * scale) ** 2,
      },
    ],
    evaluated: {
      ...{ kind: "number", name, label, unit },
      ...(classValues === undefined ? {} : { classValues }),
      ...(classEdges === undefined ? {} : { classEdges }),
    },
  };
}

/** A metric that is the mean of a sum over the samples of the pass. */
export function mean(name: string, numerator: string, unit: string): MetricRatio {
  return { name, numerator, denominator: "samples", squareRoot: false, unit };
}

function isNumberLoss(loss: HeadDeclaration["loss"]): boolean {
  return loss === "absoluteError" || loss === "squaredError";
}

function isClassLoss(loss: HeadDeclaration["loss"]): boolean {
  return loss === "binaryCrossEntropy" || loss === "crossEntropy";
}
