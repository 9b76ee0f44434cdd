// Renders a classification as text for a terminal (renderClassification): the scores of the classes, and the confusion
// matrices.
import type { Classification, Matrix } from "./classification.js";
import { percent, shortened, type TextTable, tableWidth, terminalColumns, textTable } from "./text-table.js";

const nameColumns = 22;
const numConfusions = 15;

/** Returns the lines of the text. */
export function renderClassification(title: string, classification: Classification): string[] {
  return ["", title, textTable(scoreTable(classification)), ...confusion(classification)];
}

function scoreTable({ classes, macro, weighted, accuracy, balancedAccuracy, confusion }: Classification): TextTable {
  const images = String(confusion.counts.flat().reduce((total, count) => total + count, 0));
  const scores = (of: { readonly precision: number; readonly recall: number; readonly f1: number }): string[] => [
    percent(of.precision),
    percent(of.recall),
    percent(of.f1),
  ];
  return {
    head: ["", "precision", "recall", "F1", "images"],
    rows: [
      ...classes.map((of, k) => [numbered(of.name, k), ...scores(of), String(of.support)]),
      ["macro average", ...scores(macro), images],
      ["weighted average", ...scores(weighted), images],
      ["accuracy", "", percent(accuracy), "", images],
      ["balanced accuracy", "", percent(balancedAccuracy), "", images],
    ],
  };
}

/** Returns the confusion matrices, or the most frequent confusions if the matrices are too wide for a terminal. */
function confusion(classification: Classification): string[] {
  const { counts, byActual, byPredicted } = classification.confusion;
  const tables: readonly (readonly [string, TextTable])[] = [
    ["images; rows: actual, columns: predicted", matrixTable(classification, counts, String)],
    ["% of the images of an actual class (diagonal: recall)", matrixTable(classification, byActual, whole)],
    ["% of the images of a predicted class (diagonal: precision)", matrixTable(classification, byPredicted, whole)],
  ];
  if (tables.some(([, table]) => tableWidth(table) > terminalColumns)) return frequentConfusions(classification);
  return tables.flatMap(([heading, table]) => [`  ${heading}`, textTable(table)]);
}

/** The heads of the columns are class numbers, because names would not fit. */
function matrixTable({ classes }: Classification, matrix: Matrix, text: (value: number) => string): TextTable {
  return {
    head: ["", ...classes.map((_, k) => String(k + 1))],
    rows: matrix.map((row, k) => [numbered(classes[k]?.name ?? "", k), ...row.map(text)]),
  };
}

function frequentConfusions({ classes, confusion: { counts, byActual } }: Classification): string[] {
  const mistakes = counts.flatMap((row, actual) =>
    row.flatMap((count, predicted) => (actual === predicted || count === 0 ? [] : [{ actual, predicted, count }])),
  );
  const most = mistakes.sort((a, b) => b.count - a.count).slice(0, numConfusions);
  const nameOf = (k: number): string => numbered(classes[k]?.name ?? "", k);
  return [
    `  the ${most.length} most frequent of ${mistakes.length} confusions; --json has all of them`,
    textTable({
      head: ["actual", "predicted", "images", "of actual"],
      rows: most.map(({ actual, predicted, count }) => [
        nameOf(actual),
        nameOf(predicted),
        String(count),
        percent(byActual[actual]?.[predicted] ?? 0),
      ]),
    }),
  ];
}

function numbered(name: string, index: number): string {
  return `${index + 1} ${shortened(name, nameColumns)}`;
}

function whole(share: number): string {
  return (100 * share).toFixed(0);
}
