// Owns how an evaluation looks on a terminal: plain text, at most 80 columns, no colours.
import Table from "cli-table3";
import type { Classification } from "./classification.js";
import type { EvaluationReport } from "./evaluation-report.js";

/** Several lines, ending with a newline. */
export function renderReport(report: EvaluationReport): string {
  const { checkpoint, gender, race, ageBin } = report;
  return [
    `${report.part} part of ${report.data}: ${report.samples} images, ${report.backend}, ${report.seconds.toFixed(1)} s`,
    `${checkpoint.path} (step ${checkpoint.step}, weights ${checkpoint.weightsSha256.slice(0, 12)})`,
    overview(report),
    section("gender", gender),
    section("race", race),
    section("age bin", ageBin),
    "",
  ].join("\n");
}

function overview({ metrics, gender, race, ageBin, age, floors }: EvaluationReport): string {
  const { loss = Number.NaN } = metrics;
  const rows: [string, string, string][] = [
    ["loss", loss.toFixed(4), ""],
    ["gender accuracy", percent(gender.accuracy), percent(floors.genderAccuracy)],
    ["race accuracy", percent(race.accuracy), percent(floors.raceAccuracy)],
    ["age MAE, years", age.mae.toFixed(2), floors.ageMae.toFixed(2)],
    ["age RMSE, years", age.rmse.toFixed(2), floors.ageRmse.toFixed(2)],
    ["age bin accuracy", percent(ageBin.accuracy), percent(floors.ageBinAccuracy)],
    ["age bin, within one", percent(ageBin.withinOneBin), ""],
  ];
  return table({ head: ["", "model", "majority or constant"], rows });
}

function section(title: string, classification: Classification): string {
  return [
    "",
    title,
    classTable(classification),
    "rows: actual, columns: predicted",
    confusionTable(classification),
  ].join("\n");
}

function classTable({ classes, macro }: Classification): string {
  const rows = classes.map(({ name, support, precision, recall, f1 }, k) => [
    `${k + 1} ${name}`,
    percent(precision),
    percent(recall),
    percent(f1),
    String(support),
  ]);
  rows.push(["macro average", percent(macro.precision), percent(macro.recall), percent(macro.f1), ""]);
  return table({ head: ["", "precision", "recall", "F1", "images"], rows });
}

/** Columns carry numbers only, as names would not fit. */
function confusionTable({ classes, confusion }: Classification): string {
  return table({
    head: ["", ...classes.map((_, k) => String(k + 1))],
    rows: confusion.map((row, k) => [`${k + 1} ${classes[k]?.name}`, ...row.map(String)]),
  });
}

function table({
  head,
  rows,
}: {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}): string {
  const result = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
    chars: plainBorders,
  });
  for (const row of rows) result.push([...row]);
  return result.toString();
}

/** Columns two spaces apart, no lines. */
const plainBorders = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "  ",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
} as const;

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
