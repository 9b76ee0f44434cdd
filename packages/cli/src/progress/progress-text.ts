// `progressLine`, `progressBar` and `epochLine` format a run's progress as text.
import type { EpochValidated } from "@lockstep/protocol";
import { epochOf, imagesPerSecond, type RunProgress, recentMetrics, secondsLeft } from "./run-progress.js";

const barWidth = 24;

/** One line, e.g. `epoch 2/20  step 380/6260  412 images/s  loss 2.11  gender 0.79  race 0.49  9m 12s left`. */
export function progressLine(progress: RunProgress): string {
  return progressParts(progress).join("  ");
}

/** The parts of `progressLine`; a narrow terminal shows them on several lines. */
export function progressParts(progress: RunProgress): string[] {
  const { epoch, epochs } = epochOf(progress);
  const { step, totalSteps, workers } = progress;
  const { loss, ...metrics } = recentMetrics(progress);
  const speed = imagesPerSecond(progress);
  const left = secondsLeft(progress);
  return [
    `epoch ${epoch}/${epochs}`,
    `step ${step}/${totalSteps}`,
    `${workers.length} worker${workers.length === 1 ? "" : "s"}`,
    speed === null ? null : `${speed.toFixed(0)} images/s`,
    loss === undefined ? null : `loss ${loss.toFixed(3)}`,
    ...metricTexts(metrics),
    left === null ? null : `${durationText(left)} left`,
  ].filter((part) => part !== null);
}

/** Joins parts to lines of at most `columns`, if no part is longer. wrap-ansi would also break at spaces inside a part. */
export function fitted(parts: readonly string[], columns: number, gap = "  "): string[] {
  const lines: string[] = [];
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : `${line}${gap}${part}`;
    if (longer.length > columns && line !== "") lines.push(line.trimEnd());
    line = longer.length > columns ? part : longer;
  }
  return [...lines, line];
}

/** `[=======>        ]  45%` */
export function progressBar({ step, totalSteps }: RunProgress): string {
  const share = totalSteps === 0 ? 0 : step / totalSteps;
  const filled = Math.round(share * barWidth);
  const head = filled > 0 && filled < barWidth ? ">" : "";
  return `[${`${"=".repeat(Math.max(0, filled - head.length))}${head}`.padEnd(barWidth)}] ${percent(share)}`;
}

/** The line of an epoch, in the form of the reference log: `Epoch 3/20  train loss 1.97  val loss 1.93  gender 0.82  race 0.53  age RMSE 14.0`. */
export function epochLine({ epoch, metrics, trainingMetrics }: EpochValidated, epochs: number): string {
  const { loss: trainLoss } = trainingMetrics;
  const { loss: valLoss, ...rest } = metrics;
  return [
    `Epoch ${epoch + 1}/${epochs}`,
    trainLoss === undefined ? null : `train loss ${trainLoss.toFixed(2)}`,
    valLoss === undefined ? null : `val loss ${valLoss.toFixed(2)}`,
    ...metricTexts(rest),
  ]
    .filter((part) => part !== null)
    .join("  ");
}

/** Accuracies with two decimals, RMSE with one. MAE and the losses of single heads are only in the files. */
function metricTexts(metrics: Readonly<Record<string, number>>): string[] {
  return Object.entries(metrics).flatMap(([name, value]) => {
    if (name.endsWith("Accuracy")) return [`${words(name.slice(0, -"Accuracy".length))} ${value.toFixed(2)}`];
    if (name.endsWith("Rmse")) return [`${words(name.slice(0, -"Rmse".length))} RMSE ${value.toFixed(1)}`];
    return [];
  });
}

/** `ageBin` -> `age bin` */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${whole % 60}s` : `${whole}s`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0).padStart(3)}%`;
}
