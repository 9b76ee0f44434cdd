// Owns what `lockstep train` says at its end: the JSON object that scripts rely on, and its form for people.
import pc from "picocolors";
import { durationText } from "./progress/progress-text.js";
import type { StoredSummary } from "./run-folder.js";

export type TrainResult = StoredSummary & {
  readonly backend: string | null;
  readonly workers: number;
  readonly out: string;
};

export function trainResult(
  summary: StoredSummary,
  launch: { readonly out: string; readonly workers: number },
): TrainResult {
  const { backend } = summary.numerics ?? {};
  return { ...summary, backend: typeof backend === "string" ? backend : null, ...launch };
}

export function renderSummary(result: TrainResult): string {
  const { out, steps, epochs, samples, seconds, imagesPerSecond, loss, validation } = result;
  const field = (name: string, value: string): string => `  ${name.padEnd(12)} ${value}\n`;
  const metrics = Object.entries(validation ?? {}).map(
    ([name, value]) => `${name} ${value?.toFixed(3) ?? "not finite"}`,
  );
  const speed = imagesPerSecond === null ? "" : `, ${imagesPerSecond.toFixed(0)} images/s`;
  const resumed = result.resumedFromStep === null ? "" : ` (went on from step ${result.resumedFromStep})`;
  const checkpoints = `${out}/checkpoints`;
  return [
    pc.bold(`${result.completed ? "finished" : "stopped"}: ${result.reason}\n`),
    field("steps", `${steps}, epochs ${epochs}, samples ${samples}${resumed}`),
    field(
      "time",
      `${durationText(seconds)}${speed}, ${result.workers} workers, backend ${result.backend ?? "unknown"}`,
    ),
    loss === null ? "" : field("loss", loss.toFixed(4)),
    metrics.length === 0 ? "" : field("validation", metrics.join(", ")),
    field("weights", `SHA-256 ${result.weightsSha256}${result.exact ? "" : " (not exact: mixed numerics)"}`),
    result.leasesRedone === 0 ? "" : field("redone", `${result.leasesRedone} leases`),
    field("run", out),
    field("checkpoints", checkpoints),
    field("evaluate", `npx lockstep evaluate ${out}`),
    result.completed ? "" : field("go on", `npx lockstep train --resume --out ${out}`),
  ].join("");
}
