// Starts coordinators in tests: `start` runs one in this process, `undisturbed` runs one to its end with one worker.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunSummary } from "@lockstep/protocol";
import { type CoordinatorOptions, runCoordinator } from "../run-coordinator.js";
import { FakeWorker } from "./fake-worker.js";
import { prepareFolder, type TinyRun } from "./prepared-folder.js";

export const quiet = { info: () => {}, warn: () => {} };

export interface Running {
  readonly address: string;
  readonly summary: Promise<RunSummary>;
  stop(reason: string): void;
}

export async function start(out: string, changes: Partial<CoordinatorOptions> = {}): Promise<Running> {
  const stopper = new AbortController();
  const { promise: listening, resolve } = deferred<string>();
  const end = runCoordinator({
    out,
    listen: `unix:${join(out, "s")}`,
    checkpointEvery: null,
    keepLast: 3,
    maxSteps: null,
    allowMixedNumerics: false,
    log: quiet,
    stopGraceMs: 100,
    signal: stopper.signal,
    onListening: resolve,
    ...changes,
  });
  const summary = end.then((ended) => ended.summary);
  summary.catch(() => {}); // the test awaits it later
  const address = await Promise.race([listening, summary.then(() => "")]);
  return { address, summary, stop: (reason) => stopper.abort(new Error(reason)) };
}

export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

export async function recordsOf(out: string, file: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(out, file), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The result of a run with one worker and no faults. */
export async function undisturbed(tiny: TinyRun): Promise<RunSummary> {
  const { out, remove } = await prepareFolder(tiny);
  try {
    const { address, summary } = await start(out);
    const worker = await FakeWorker.join(address, tiny);
    const result = await summary;
    worker.close();
    return result;
  } finally {
    await remove();
  }
}
