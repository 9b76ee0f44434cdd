// Writes the predictions as CSV (RFC 4180) with one row for each image, for spreadsheets and scripts (predictionsCsv).
// Pure.
import { stringify } from "csv-stringify/sync";
import type { ClassHeadResult, HeadResult, NumberHeadResult } from "./head-result.js";

/** A column's name, and a function that returns its cell in row s. */
type Column = readonly [name: string, cell: (s: number) => string];

/**
 * The columns are `image` and `part`, and then for each head H:
 * - class head: H (the label), H_predicted, H_correct (1 or 0), and H_p_CLASS (the probability) for each class;
 * - number head: H (the label), H_predicted, H_error, and if it has class edges H_class, H_class_predicted,
 * H_class_correct.
 */
export function predictionsCsv(options: {
  /** Name of the image of each row. */
  readonly imageNames: readonly string[];
  readonly part: string;
  readonly heads: readonly HeadResult[];
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

function classColumns({ name, classes, actual, predicted, probabilities_SK }: ClassHeadResult): Column[] {
  return [
    ...pairColumns(name, { classes, actual, predicted }),
    ...classes.map((className, k): Column => {
      return [`${name}_p_${className}`, (s) => (probabilities_SK[s * classes.length + k] ?? Number.NaN).toFixed(6)];
    }),
  ];
}

function numberColumns({ name, actual, predicted, bins }: NumberHeadResult): Column[] {
  const actualAt = (s: number): number => actual[s] ?? Number.NaN;
  const predictedAt = (s: number): number => predicted[s] ?? Number.NaN;
  return [
    [name, (s) => String(actualAt(s))],
    [`${name}_predicted`, (s) => predictedAt(s).toFixed(4)],
    [`${name}_error`, (s) => (predictedAt(s) - actualAt(s)).toFixed(4)],
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
