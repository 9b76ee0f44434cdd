// `datasetWork` runs the work of a command that writes a data set, with log, cache folder, progress and a clean end on Ctrl-C.
import { resolve } from "node:path";
import { defaultCacheDir, type Progress } from "@lockstep/dataset";
import { exitCode, type Log } from "@lockstep/errors";
import { createLogger, createShutdown } from "@lockstep/service";
import { createDisplay } from "../../progress/display.js";
import type { launchSettings } from "../../settings/declared/launch.js";
import type { Values } from "../../settings/setting.js";

export interface DatasetWork {
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** @param work returns the text for stdout; when its signal is aborted, it removes what it has written */
export async function datasetWork(
  { cacheDir, logLevel }: Pick<Values<typeof launchSettings>, "cacheDir" | "logLevel">,
  work: (surroundings: DatasetWork) => Promise<string>,
): Promise<void> {
  const display = createDisplay();
  const log = createLogger({ name: "dataset", level: logLevel, stderr: display.stderr });
  const shutdown = createShutdown({
    log,
    onFirst: (reason) => display.note(`${reason}: removing unfinished files (again: exit at once)`),
  });
  const { signal } = shutdown;
  try {
    const onProgress = display.preparing.bind(display);
    const text = await work({ cacheDir: resolve(cacheDir ?? defaultCacheDir()), log, onProgress, signal });
    display.close();
    process.stdout.write(text);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    process.exitCode = exitCode.interrupted;
  } finally {
    display.close();
    shutdown.dispose();
  }
}
