// Makes the table of single predictions (predictionsCsv): a row an image, as CSV (RFC 4180), for spreadsheets and scripts. Pure.
import { stringify } from "csv-stringify/sync";
import type { JudgedClasses, JudgedHead, JudgedNumbers } from "./judged-head.js";

/** A column's name, and its cell in row s. */
type Column = readonly [name: string, cell: (s: number) => string];

/**
 * Columns: image, part; of a class head H: H (its label), H_predicted, H_correct (1 or 0), H_p_CLASS for each class; of a
 * number head H: H, H_predicted, H_error, and where it has edges H_class, H_class_predicted, H_class_correct.
 */
export function predictionsCsv(options: {
  /** By row. */
  readonly imageNames: readonly string[];
  readonly part: string;
  readonly heads: readonly JudgedHead[];
}): string {
  const { imageNames, part, heads } = options;
  const columns: Column[] = [
    ["image", (s) => imageNames[s] ?? ""],
    ["part", () => part],
    ...heads.flatMap((head) => (head.kind === "classes" ? classColumns(head) : numberColumns(head))),
  ];
  const rows = imageNames.map((_, s) => columns.map(([, cell]) => cell(s)));
  return stringify([columns.map(([name]) => name), ...rows], { record_delimiter: "\r\n", quoted_match: /[\r\n]/ });
}

function classColumns({ name, classes, actual, predicted, probabilities_SK }: JudgedClasses): Column[] {
  return [
    ...pairColumns(name, { classes, actual, predicted }),
    ...classes.map((className, k): Column => {
      return [`${name}_p_${className}`, (s) => (probabilities_SK[s * classes.length + k] ?? Number.NaN).toFixed(6)];
    }),
  ];
}

function numberColumns({ name, actual, predicted, bins }: JudgedNumbers): Column[] {
  const [at, said] = [(s: number) => actual[s] ?? Number.NaN, (s: number) => predicted[s] ?? Number.NaN];
  return [
    [name, (s) => String(at(s))],
    [`${name}_predicted`, (s) => said(s).toFixed(4)],
    [`${name}_error`, (s) => (said(s) - at(s)).toFixed(4)],
    ...(bins === null ? [] : pairColumns(`${name}_class`, bins)),
  ];
}

function pairColumns(
  name: string,
  pairs: { readonly classes: readonly string[]; readonly actual: Uint8Array; readonly predicted: Uint8Array },
): Column[] {
  const { classes, actual, predicted } = pairs;
  return [
    [name, (s) => classes[actual[s] ?? -1] ?? ""],
    [`${name}_predicted`, (s) => classes[predicted[s] ?? -1] ?? ""],
    [`${name}_correct`, (s) => (actual[s] === predicted[s] ? "1" : "0")],
  ];
}
