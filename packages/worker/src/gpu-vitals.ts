// watchGpus() samples the utilisation and the memory of the GPUs: it starts one nvidia-smi that runs as long as the
// worker, and parses its lines strictly. The caller decides whether there is a GPU to watch.
import { type ChildProcess, spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { describeError, type Log } from "@lockstep/errors";
import type { GpuVitals } from "@lockstep/protocol";

export interface GpuWatch {
  /** The last sample of each GPU, by ascending index; empty when there is no recent sample. */
  current(): readonly GpuVitals[];
  stop(): void;
}

export interface GpuWatchOptions {
  readonly log: Pick<Log, "warn">;
  /** Default `nvidia-smi`. */
  readonly command?: string;
  /** The value of CUDA_VISIBLE_DEVICES: the GPUs that the process may use; undefined or empty: all GPUs. */
  readonly visible?: string | undefined;
}

const sampleMs = 2_000;
/** Older samples are not returned: the driver may hang. */
const maxAgeMs = 5 * sampleMs;
const mebibyte = 1024 * 1024;

/** index, utilization.gpu (%; a GPU that is cut into parts, MIG, has none), memory.used (MiB), memory.total (MiB) */
const linePattern = /^(\d{1,4}), (\d{1,2}|100|\[N\/A\]), (\d{1,9}), (\d{1,9})$/;

/** @throws Error that quotes the line if it has another form */
export function parseGpuLine(line: string): GpuVitals {
  const fields = linePattern.exec(line.trim());
  if (fields === null) throw new Error(`cannot parse the line ${JSON.stringify(line.slice(0, 120))}`);
  const [, index, percent, usedMiB, totalMiB] = fields;
  return {
    index: Number(index),
    utilization: percent === "[N/A]" ? undefined : Number(percent) / 100,
    memoryUsedBytes: Number(usedMiB) * mebibyte,
    memoryTotalBytes: Number(totalMiB) * mebibyte,
  };
}

/** Without nvidia-smi, or after it has ended, there are no samples; one warning is logged then. Never throws. */
export function watchGpus({ log, command = "nvidia-smi", visible }: GpuWatchOptions): GpuWatch {
  const queryArgs = ["--query-gpu=index,utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"];
  const idArgs = visible === undefined || visible === "" ? [] : [`--id=${visible}`];
  const gpus = new Map<number, { readonly vitals: GpuVitals; readonly atMs: number }>();
  let child: ChildProcess | null = null;
  let over = false;
  const stop = (): void => {
    over = true;
    gpus.clear();
    // Without a pid nothing was started, and Node's kill() may signal this process's own group (pid 0).
    if (child?.pid !== undefined) child.kill();
  };
  const end = (reason: string): void => {
    if (over) return;
    stop();
    log.warn({ command }, `GPU utilisation and memory are not reported any more: ${reason}`);
  };
  const cannotRun = (error: unknown): void => end(`${command} cannot be run: ${describeError(error)}`);
  const take = (line: string): void => {
    if (over) return;
    try {
      const vitals = parseGpuLine(line);
      gpus.set(vitals.index, { vitals, atMs: performance.now() });
    } catch (error) {
      end(`${command}: ${describeError(error)}`);
    }
  };
  try {
    // Detached, so that the terminal's signals do not reach it. It ends with the worker, because it writes to the
    // worker's pipe.
    child = spawn(command, [...queryArgs, `--loop-ms=${sampleMs}`, ...idArgs], {
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    child.on("error", cannotRun);
    child.on("exit", (code, signal) => end(`${command} ended (${signal ?? `exit code ${code}`})`));
    // When the process has no file descriptor left, there is no stdout, and an error event follows.
    if (child.stdout) createInterface({ input: child.stdout }).on("line", take);
    unrefChild(child);
  } catch (error) {
    cannotRun(error);
  }
  return {
    current: () =>
      [...gpus.values()]
        .filter(({ atMs }) => performance.now() - atMs < maxAgeMs)
        .map(({ vitals }) => vitals)
        .sort((a, b) => a.index - b.index),
    stop,
  };
}

/** The child does not keep the worker's process alive. */
function unrefChild(child: ChildProcess): void {
  child.unref();
  if (child.stdout && "unref" in child.stdout && typeof child.stdout.unref === "function") child.stdout.unref();
}
