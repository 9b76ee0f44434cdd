// `runFiles` has the names in a run's folder; the functions here read the files that other processes wrote there.
import { join } from "node:path";
import { type DataOptions, dataOptions } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { readJson, replaceJson } from "@lockstep/files";
import { type RunDescription, type RunSummary, runDescription, runSummary } from "@lockstep/protocol";
import { runSocketNames } from "@lockstep/service";
import { z } from "zod";

export const runFiles = {
  run: "run.json",
  launch: "launch.json",
  lock: "lock",
  /** Exists while a new run is prepared. */
  preparing: ".preparing",
  coordinatorLock: "coordinator.lock",
  coordinator: "coordinator.json",
  processes: "processes.json",
  metrics: "metrics.jsonl",
  ledger: "ledger.jsonl",
  checkpoints: "checkpoints",
  logs: "logs",
  summary: "summary.json",
  skipped: "skipped.csv",
  /** The sockets exist while the run's coordinator listens. */
  socket: runSocketNames[0],
  secondSocket: runSocketNames[1],
} as const;

/** How the data was read at the run's last start, for a resume and an evaluation without these flags. */
const launch = dataOptions.extend({
  /** Path of the user's recipe; null for a built-in one. */
  recipe: z.string().nullable().default(null),
  cacheDir: z.string(),
  /** Path of the file of sampling weights; null if the run has none. */
  weightsFile: z.string().nullable().default(null),
});
export type Launch = z.infer<typeof launch>;

export const processEntry = z.strictObject({
  role: z.enum(["launcher", "coordinator", "worker"]),
  /** From 0 within its role. */
  index: z.number().int().gte(0),
  pid: z.number().int().positive(),
  /** See ProcessIdentity: these tell the process from a later one with the same pid, and from those of other containers. */
  startTicks: z.string().nullable().default(null),
  pidSpace: z.string().nullable().default(null),
});
export type ProcessEntry = z.infer<typeof processEntry>;
export type StartedProcess = Pick<ProcessEntry, "role" | "index" | "pid">;

/** @returns null if the folder holds no run. @throws UserError if run.json cannot be read */
export function readRunDescription(out: string): Promise<RunDescription | null> {
  return readJson(join(out, runFiles.run), runDescription);
}

export function readLaunch(out: string): Promise<Launch | null> {
  return readJson(join(out, runFiles.launch), launch);
}

export function writeLaunch(out: string, value: Launch): Promise<void> {
  return replaceJson(join(out, runFiles.launch), value, { durable: false });
}

export function dataOptionsIn({ cacheDir: _, recipe: __, weightsFile: ___, ...dataOptions }: Launch): DataOptions {
  return dataOptions;
}

export function readSummary(out: string): Promise<RunSummary | null> {
  return readJson(join(out, runFiles.summary), runSummary);
}

export async function readProcesses(out: string): Promise<ProcessEntry[]> {
  return (await readJson(join(out, runFiles.processes), z.array(processEntry))) ?? [];
}

/** @throws UserError if the folder holds no run */
export async function requireRun(out: string): Promise<RunDescription> {
  const description = await readRunDescription(out);
  if (description === null) throw new UserError(`${out}: holds no run (no ${runFiles.run})`);
  return description;
}
