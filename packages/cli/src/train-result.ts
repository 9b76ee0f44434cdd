// `trainResultSchema` defines the JSON object that `lockstep train --json` prints at its end; `renderSummary` renders it as text.
import { printable } from "@lockstep/errors";
import { type RunSummary, runSummary } from "@lockstep/protocol";
import { z } from "zod";
import { colors } from "./colors.js";
import { durationText, fitted } from "./progress/progress-text.js";
import { runFiles } from "./run-folder.js";

export const trainResultSchema = runSummary.extend({
  backend: z.string().nullable(),
  /** Labelled images that could not be used (--on-bad-image skip). */
  imagesSkipped: z.number(),
});
/** `workers` and `out` are the command's own settings. */
export type TrainResult = Readonly<z.infer<typeof trainResultSchema>>;

export interface SummarySurroundings {
  /** Folder of the decoded images: the only files of a run outside of its own folder. */
  readonly cacheDir: string;
  /** Which command led the run. A coordinator's command has addresses and certificates, and its image has no npx. */
  readonly ledBy: "train" | "coordinator";
}

const commandName = { train: "npx lockstep", coordinator: "lockstep" } as const;

export function trainResult(
  summary: RunSummary,
  launch: Pick<TrainResult, "out" | "workers" | "imagesSkipped">,
): TrainResult {
  const { backend } = summary.numerics ?? {};
  return { ...summary, backend: typeof backend === "string" ? backend : null, ...launch };
}

/** Columns of a field's value on a line of 80 columns. */
const valueColumns = 64;

/** @returns the lines that are printed if a finished run is resumed */
export function finishedNotes(
  { steps, epochs, reason }: Pick<RunSummary, "steps" | "epochs" | "reason">,
  {
    out,
    totalEpochs,
    ledBy,
  }: { readonly out: string; readonly totalEpochs: number } & Pick<SummarySurroundings, "ledBy">,
): string[] {
  const lockstep = commandName[ledBy];
  return [
    `${out}: is finished: ${steps} steps, ${epochs} of ${totalEpochs} epochs (${printable(reason)}); nothing is left to train`,
    `evaluate it: ${lockstep} evaluate ${out}`,
    `for more epochs, start a new run with the same data and model flags: ${lockstep} train --init-from ${out} --out NEW --epochs N`,
  ];
}

export function renderSummary(result: TrainResult, { cacheDir, ledBy }: SummarySurroundings): string {
  const { out, steps, epochs, samples, seconds, imagesPerSecond, loss, validation } = result;
  const field = (name: string, value: string): string => `  ${name.padEnd(12)} ${value}\n`;
  const metrics = Object.entries(validation ?? {}).map(
    ([name, value]) => `${name} ${value?.toFixed(3) ?? "not finite"}`,
  );
  const speed = imagesPerSecond === null ? "" : `, ${imagesPerSecond.toFixed(0)} images/s`;
  const resumed = result.resumedFromStep === null ? "" : ` (resumed from step ${result.resumedFromStep})`;
  return [
    colors.bold(`${result.completed ? "finished" : "stopped"}: ${printable(result.reason)}\n`),
    field("steps", `${steps}, epochs ${epochs}, samples ${samples}${resumed}`),
    field(
      "time",
      `${durationText(seconds)}${speed}, ${result.workers} workers, backend ${result.backend ?? "unknown"}`,
    ),
    loss === null ? "" : field("loss", loss.toFixed(4)),
    ...(metrics.length === 0 ? [] : fitted(metrics, valueColumns, ", ")).map((line, index) =>
      field(index === 0 ? "validation" : "", line),
    ),
    field("SHA-256", result.weightsSha256),
    result.exact ? "" : field("", "not exact: mixed numerics"),
    result.leasesRedone === 0 ? "" : field("redone", `${result.leasesRedone} leases`),
    result.imagesSkipped === 0 ? "" : field("left out", imagesSkipped(result.imagesSkipped)),
    field("run", out),
    field("", `${runFiles.checkpoints}/  ${runFiles.logs}/  ${runFiles.metrics}`),
    field("images", `${cacheDir} (decoded; safe to remove)`),
    field("evaluate", `${commandName[ledBy]} evaluate ${out}`),
    result.completed
      ? ""
      : field(
          "resume",
          ledBy === "train" ? `npx lockstep train --resume --out ${out}` : "run the same command with --resume",
        ),
  ].join("");
}

export function imagesSkipped(count: number): string {
  return `${count} image${count === 1 ? "" : "s"} that cannot be used: see ${runFiles.skipped} in the run's folder`;
}
