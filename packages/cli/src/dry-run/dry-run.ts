// `dryRun` checks everything that can be wrong with a run, for `lockstep train --dry-run`, and `renderDryRun` shows the resolved
// settings. Nothing is written, except for what reading the data leaves in the cache folder.
import { join } from "node:path";
import { locateImageCache } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { createOptimizer } from "@lockstep/numerics";
import { canonicalSha256, type RunSpec } from "@lockstep/protocol";
import type { BackendChoice, DeviceChoice } from "@lockstep/recipe";
import { formerRun, type Resume } from "../claim-folder.js";
import { colors } from "../colors.js";
import { sizeText } from "../memory-limit.js";
import { type PlannedRun, type PlanOptions, planRun } from "../plan-run.js";
import { finishedSummary } from "../prepare-run.js";
import { fitted } from "../progress/progress-text.js";
import { runFiles } from "../run-folder.js";
import type { Origins } from "../settings/apply-settings.js";
import type { Settings } from "../settings/setting.js";
import {
  type DiskNeeds,
  diskNeeds,
  type MemoryNeeds,
  memoryNeeds,
  type Need,
  problemsOf,
  warningsOf,
} from "./needs.js";
import { otherLeaves, type ResolvedSetting, resolvedSettings } from "./resolved-settings.js";
import { type Trial, tryMicroBatch } from "./trial-micro-batch.js";

export interface DryRun {
  readonly out: string;
  readonly settings: readonly ResolvedSetting[];
  readonly spec: RunSpec;
  readonly specSha256: string;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly tensors: number;
  readonly weights: number;
  readonly backend: Trial;
  readonly memory: MemoryNeeds;
  readonly disk: DiskNeeds;
  readonly warnings: readonly string[];
  /** Why the run would not work. */
  readonly problems: readonly string[];
}

export interface DryRunOptions extends PlanOptions {
  readonly resume: Resume;
  readonly workers: number;
  readonly threads: number;
  readonly backend: BackendChoice;
  readonly device: DeviceChoice;
  readonly keepLast: number;
  readonly settings: Settings;
  readonly origins: Origins;
}

/** @throws UserError for an error that prevents further checks: a wrong flag, unreadable data, a missing backend */
export async function dryRun(options: DryRunOptions): Promise<DryRun> {
  const { out, workers, threads } = options;
  const former = await formerRun(options);
  const run = await planRun(options, former);
  const { description, layout, dataOptions, cacheDir, stepsPerEpoch, totalSteps } = run;
  const { spec } = description;
  const trial = await tryMicroBatch(run, options);
  const weightsBytes = Float32Array.BYTES_PER_ELEMENT * layout.numElements;
  const isFinished = former !== null && (await finishedSummary(out)) !== null;
  const memory = memoryNeeds({ weightsBytes, workers, threads, worker: trial.memory });
  const disk = await diskNeeds(await filesOf(run, options));
  return {
    out,
    settings: resolvedSettings({
      settings: options.settings,
      values: { ...options, ...options.given, ...dataOptions, cacheDir },
      origins: options.origins,
      spec,
      isResumed: former !== null,
    }),
    spec,
    specSha256: canonicalSha256(spec),
    stepsPerEpoch,
    totalSteps,
    tensors: layout.tensors.length,
    weights: layout.numElements,
    backend: trial,
    memory,
    disk,
    warnings: [
      ...(isFinished ? ["the run is finished: nothing is left to compute"] : []),
      ...trial.warnings,
      ...warningsOf(memory),
    ],
    problems: [
      ...(trial.fault === null ? [] : [`backend ${trial.backend} cannot compute a micro-batch: ${trial.fault}`]),
      ...problemsOf(memory, disk),
    ],
  };
}

/** @returns the files that the run will write */
async function filesOf(run: PlannedRun, options: DryRunOptions): Promise<DiskNeeds["needs"]> {
  const { description, dataset, samples, layout, cacheDir } = run;
  const { imageSize, optimizer } = description.spec;
  const { out, keepLast } = options;
  const cache = await locateImageCache({ dataset, samples, imageSize, cacheDir });
  const state = createOptimizer(optimizer, layout).state.reduce((sum, { values }) => sum + values.byteLength, 0);
  const checkpointBytes = Float32Array.BYTES_PER_ELEMENT * layout.numElements + state;
  const checkpoints = keepLast + 2; // plus the best one, and the one that is being written
  return [
    { what: "decoded images", bytes: cache.isThere ? 0 : cache.sizeBytes, place: cacheDir },
    {
      what: `${checkpoints} checkpoints`,
      bytes: checkpoints * checkpointBytes,
      place: join(out, runFiles.checkpoints),
    },
  ];
}

/** @throws UserError with the problems; call it after everything is shown */
export function assertWorkable({ problems }: DryRun): void {
  if (problems.length > 0) throw new UserError(`this run would not work: ${problems.join("; ")}`);
}

/** For a terminal of 80 columns. */
export function renderDryRun(found: DryRun): string {
  const { spec, settings, backend, memory, disk, warnings } = found;
  const { samples, fingerprint } = spec.dataset;
  const field = (name: string, value: string): string => `  ${name.padEnd(12)} ${value}\n`;
  const fields = (name: string, needs: readonly Need[]): string[] => {
    const parts = needs.map(({ what, bytes }, index) => `${index === 0 ? "about " : ""}${what} ${sizeText(bytes)}`);
    return fitted(parts, 64, ", ").map((line, index) => field(index === 0 ? name : "", line));
  };
  const row = ({ key, value, from }: ResolvedSetting): string => `  ${key.padEnd(21)} ${value.padEnd(29)} ${from}\n`;
  const images = samples.train + samples.val + samples.test;
  return [
    colors.bold("settings\n"),
    ...settings.map(row),
    colors.bold("run spec, besides\n"),
    ...otherLeaves(spec)
      .filter(({ field }) => !field.startsWith("dataset.")) // shown below
      .map(({ field, value }) => `  ${field.padEnd(33)} ${value}\n`),
    colors.bold("run\n"),
    field("spec", `SHA-256 ${found.specSha256.slice(0, 16)}…`),
    field("images", `${images}: ${samples.train} train, ${samples.val} val, ${samples.test} test`),
    field("data set", `fingerprint ${fingerprint.slice(0, 16)}…`),
    field("steps", `${found.stepsPerEpoch} an epoch, ${found.totalSteps} in all`),
    field("weights", `${found.weights} in ${found.tensors} tensors`),
    field("backend", `${backend.backend} on ${backend.device}`),
    ...fields("memory", memory.needs),
    field("", `${sizeText(memory.freeBytes)} free of ${sizeText(memory.totalBytes)}`),
    ...fields("disk", disk.needs),
    ...disk.fileSystems.map(({ place, freeBytes }) => field("", `${sizeText(freeBytes)} free at ${place}`)),
    ...warnings.map((warning) => `${colors.yellow("warning:")} ${warning}\n`),
    // The cache folder keeps digests of the files and the rows of Parquet files for the next start.
    "nothing was written but to the cache folder; without --dry-run the run\n",
    `starts in ${found.out}\n`,
  ].join("");
}
