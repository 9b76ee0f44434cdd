// Owns what a recipe declares of a head, and what that comes to once its label is known: its width, its loss, what is
// measured of it. How heads are summed up to a pass' loss stands in scoring.ts.
//
// K outputs of a head
import type { LabelSchema } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import type { EvaluatedHead, MetricRatio } from "../recipe.js";
import { at, type LossName, losses, predictedClass, type SampleLoss } from "./losses.js";

export interface HeadDeclaration {
  /** A field of the recipe's labels; the head's own name where absent. */
  readonly label?: string | undefined;
  /**
   * Of one sample: by name, or a function of its outputs and its target (a class' index, or a number). What it is divided
   * by is the framework's business.
   */
  readonly loss: LossName | SampleLoss;
  /** Factor of the head's loss in the sum; 1 where absent. */
  readonly weight?: number | undefined;
  /** How much each class counts; all the same where absent. */
  readonly classWeights?: "inverse-frequency" | readonly number[] | undefined;
  /** Outputs, for a loss of the recipe's own; else they follow from loss and label. */
  readonly width?: number | undefined;
  /** Of a number, for people, e.g. "years". */
  readonly unit?: string | undefined;
  /** The head says the number over this; 1 where absent. */
  readonly scale?: number | undefined;
  /** Makes a number of a class label: the one that stands for each class. */
  readonly classValues?: readonly number[] | undefined;
  /** See NumberHead. */
  readonly classEdges?: readonly number[] | undefined;
}

export interface Measure {
  /** Of the sum; a share or mean over the samples is reported. */
  readonly sumName: string;
  readonly metric: MetricRatio;
  of(outputs_K: Float32Array, target: number): number;
}

/** A head whose label is known. */
export interface Head {
  readonly name: string;
  readonly label: string;
  readonly width: number;
  readonly weight: number;
  readonly loss: SampleLoss;
  readonly lossUnit: string;
  readonly scale: number;
  /** What the head should say of a label's value. */
  targetOf(value: number): number;
  readonly classWeights: HeadDeclaration["classWeights"];
  /** Of the label; null where it is a number. */
  readonly numClasses: number | null;
  readonly measures: readonly Measure[];
  readonly evaluated: EvaluatedHead;
}

/** @throws UserError that names the head and what does not fit */
export function resolveHead(name: string, declaration: HeadDeclaration, schema: LabelSchema): Head {
  const complain = (what: string): never => {
    throw new UserError(`head ${name}: ${what}`);
  };
  const label = declaration.label ?? name;
  const field =
    schema.fields.find((candidate) => candidate.name === label) ??
    complain(`label "${label}" is none of the recipe's (${schema.fields.map((known) => known.name).join(", ")})`);
  const numClasses = field.kind === "class" ? field.classes.length : null;
  const { loss, weight = 1, scale = 1, classValues, classWeights } = declaration;
  if (classValues !== undefined && classValues.length !== numClasses) {
    complain(`classValues has ${classValues.length} numbers, label "${label}" ${numClasses ?? "no"} classes`);
  }
  if (classWeights !== undefined && numClasses === null) complain(`classWeights: label "${label}" has no classes`);
  if (Array.isArray(classWeights) && classWeights.length !== numClasses) {
    complain(`classWeights has ${classWeights.length} numbers, label "${label}" ${numClasses} classes`);
  }
  const saysNumber = isNumberLoss(loss) || classValues !== undefined || numClasses === null;
  if (isNumberLoss(loss) && numClasses !== null && classValues === undefined) {
    complain(`loss ${String(loss)} needs a number, label "${label}" has classes; give classValues, a number for each`);
  }
  if (isClassLoss(loss) && saysNumber) complain(`loss ${String(loss)} needs classes; label "${label}" is a number`);
  if (loss === "binaryCrossEntropy" && numClasses !== 2) {
    complain(`loss binaryCrossEntropy needs two classes, label "${label}" has ${numClasses}; use crossEntropy`);
  }
  const width = widthOf(declaration, saysNumber ? null : numClasses, complain);
  const common = {
    ...{ name, label, width, weight, scale, numClasses, classWeights },
    loss: typeof loss === "function" ? loss : losses[loss],
  };
  return saysNumber ? numberHead(common, declaration) : classHead(common);
}

function widthOf(
  { loss, width }: HeadDeclaration,
  numClasses: number | null,
  complain: (what: string) => never,
): number {
  const needed = numClasses === null || loss === "binaryCrossEntropy" ? 1 : numClasses;
  if (width === undefined || width === needed) return needed;
  if (typeof loss === "function" && numClasses === 2 && width === 1) return width;
  return complain(
    `width ${width}: it has ${needed} output${needed === 1 ? "" : "s"}, as its label says; leave width away`,
  );
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

/** Over the pass' samples. */
export function mean(name: string, numerator: string, unit: string): MetricRatio {
  return { name, numerator, denominator: "samples", squareRoot: false, unit };
}

function isNumberLoss(loss: HeadDeclaration["loss"]): boolean {
  return loss === "absoluteError" || loss === "squaredError";
}

function isClassLoss(loss: HeadDeclaration["loss"]): boolean {
  return loss === "binaryCrossEntropy" || loss === "crossEntropy";
}
