// Renders an evaluation report as plain text for a terminal (renderReport), with at most 80 columns and without
// colours.
import type { Interval } from "./bootstrap.js";
import type { EvaluationReport } from "./evaluation-report.js";
import type { HeadReport, NumberReport } from "./head-report.js";
import { renderClassification } from "./render-classification.js";
import { percent, shortened, terminalColumns, textTable } from "./text-table.js";

/** Returns several lines that end with a newline. */
export function renderReport(report: EvaluationReport): string {
  const { checkpoint, heads } = report;
  return [
    `${report.part} part of ${report.data}: ${report.samples} images, ${report.backend}, ${report.seconds.toFixed(1)} s`,
    `${checkpoint.path} (step ${checkpoint.step}, weights ${checkpoint.weightsSha256.slice(0, 12)})`,
    ...wrapped(
      "metrics: ",
      Object.entries(report.metrics).map(([name, value]) => `${name} ${shortNumber(value)}`),
    ),
    ...overview(report),
    ...Object.entries(heads).flatMap(([name, head]) => section(name, head)),
    "",
  ].join("\n");
}

function overview({ heads, confidence }: EvaluationReport): string[] {
  const rows = Object.entries(heads).flatMap(([name, head]) => overviewRows(shortened(words(name), 24), head));
  if (rows.length === 0) return [];
  const withIntervals = confidence !== null;
  const head = ["", "model", ...(withIntervals ? [`${100 * confidence.level}% interval`] : []), "constant guess"];
  const cells = rows.map(({ name, model, interval, floor }) => [
    name,
    model,
    ...(withIntervals ? [interval] : []),
    floor,
  ]);
  return ["", textTable({ head, rows: cells })];
}

interface OverviewRow {
  readonly name: string;
  readonly model: string;
  readonly interval: string;
  /** The figure of a constant guess: the most frequent class, the median or the mean. */
  readonly floor: string;
}

function overviewRows(name: string, head: HeadReport): OverviewRow[] {
  if (head.kind === "number") return numberRows(name, head);
  const { accuracy, macro, floor, intervals } = head;
  return [
    row(`${name} accuracy`, percent, accuracy, intervals?.accuracy, floor.accuracy),
    row(`${name} macro F1`, percent, macro.f1, intervals?.macroF1),
  ];
}

function numberRows(name: string, { unit, mae, rmse, bias, floor, intervals, bins }: NumberReport): OverviewRow[] {
  return [
    row(`${name} MAE, ${unit}`, shortNumber, mae, intervals?.mae, floor.mae),
    row(`${name} RMSE, ${unit}`, shortNumber, rmse, intervals?.rmse, floor.rmse),
    row(`${name} bias, ${unit}`, shortNumber, bias),
    ...(bins === null
      ? []
      : [
          row(`${name} bin accuracy`, percent, bins.accuracy, bins.intervals?.accuracy, bins.floor.accuracy),
          row(`${name} bin, within one`, percent, bins.withinOne, bins.intervals?.withinOne),
          row(`${name} bin macro F1`, percent, bins.macro.f1, bins.intervals?.macroF1),
        ]),
  ];
}

function row(
  name: string,
  text: (value: number) => string,
  value: number,
  interval?: Interval,
  floor?: number,
): OverviewRow {
  return {
    name,
    model: text(value),
    interval: interval === undefined ? "" : `${text(interval.low)} - ${text(interval.high)}`,
    floor: floor === undefined ? "" : text(floor),
  };
}

function section(name: string, head: HeadReport): string[] {
  if (head.kind === "classes") return renderClassification(words(name), head);
  return head.bins === null ? [] : renderClassification(`${words(name)} bin`, head.bins);
}

/** Formats a number with three to four significant digits, so that an error of 0.001 is not shown as 0.00. */
function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2);
  return value.toFixed(size < 1 ? 4 : size < 100 ? 2 : 1);
}

/** `ageBin` -> `age bin` */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Returns a heading and items separated by commas, wrapped at the width of the terminal. */
function wrapped(heading: string, items: readonly string[]): string[] {
  const lines: string[] = [];
  let line = heading;
  items.forEach((item, index) => {
    const piece = index < items.length - 1 ? `${item}, ` : item;
    if (line.length > heading.length && line.length + piece.trimEnd().length > terminalColumns) {
      lines.push(line.trimEnd());
      line = " ".repeat(heading.length);
    }
    line += piece;
  });
  return items.length === 0 ? [] : [...lines, line];
}
