// Owns how busy the GPUs are and what lies in their memory: a long-lived nvidia-smi, whose lines are parsed strictly.
// Whether there is a GPU to ask about is the caller's.
import { type ChildProcess, spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { describeError, type Log } from "@lockstep/errors";
import type { GpuVitals } from "@lockstep/protocol";

export interface GpuWatch {
  /** As last sampled, by index; empty while nothing is known. */
  current(): readonly GpuVitals[];
  stop(): void;
}

export interface GpuWatchOptions {
  readonly log: Pick<Log, "warn">;
  /** Default `nvidia-smi`. */
  readonly command?: string;
  /** CUDA_VISIBLE_DEVICES: which GPUs the process may use; undefined: every one. */
  readonly visible?: string | undefined;
}

const sampleMs = 2_000;
/** Older samples are not told: the driver may hang. */
const maxAgeMs = 5 * sampleMs;
const mebibyte = 1024 * 1024;

/** index, utilization.gpu (%; a GPU that is cut into parts, MIG, has none), memory.used (MiB), memory.total (MiB) */
const linePattern = /^(\d{1,4}), (\d{1,2}|100|\[N\/A\]), (\d{1,9}), (\d{1,9})$/;

/** @throws Error that says which line is not understood */
export function parseGpuLine(line: string): GpuVitals {
  const fields = linePattern.exec(line.trim());
  if (fields === null) throw new Error(`a line is not understood: ${JSON.stringify(line.slice(0, 120))}`);
  const [, index, percent, usedMiB, totalMiB] = fields;
  return {
    index: Number(index),
    utilization: percent === "[N/A]" ? undefined : Number(percent) / 100,
    memoryUsedBytes: Number(usedMiB) * mebibyte,
    memoryTotalBytes: Number(totalMiB) * mebibyte,
  };
}

/** Without nvidia-smi, or once it has ended, there are no figures; the log says so, once. Never throws. */
export function watchGpus({ log, command = "nvidia-smi", visible }: GpuWatchOptions): GpuWatch {
  const query = ["--query-gpu=index,utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"];
  const which = visible === undefined || visible === "" ? [] : [`--id=${visible}`];
  const gpus = new Map<number, { readonly vitals: GpuVitals; readonly atMs: number }>();
  let child: ChildProcess | null = null;
  let over = false;
  const stop = (): void => {
    over = true;
    gpus.clear();
    // Where nothing was started and the error is still to come, Node signals whatever id it finds, its own group at 0.
    if (child?.pid !== undefined) child.kill();
  };
  const end = (why: string): void => {
    if (over) return;
    stop();
    log.warn({ command }, `no figures of the GPU from here on: ${why}`);
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
    // Detached: the signals of the terminal do not reach it. It ends with the worker, whose pipe it writes to.
    child = spawn(command, [...query, `--loop-ms=${sampleMs}`, ...which], {
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    child.on("error", cannotRun);
    child.on("exit", (code, signal) => end(`${command} ended (${signal ?? `exit code ${code}`})`));
    // Without file descriptors to spare there is no stdout; the error follows.
    if (child.stdout) createInterface({ input: child.stdout }).on("line", take);
    letGo(child);
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

/** It does not keep the worker alive. */
function letGo(child: ChildProcess): void {
  child.unref();
  if (child.stdout && "unref" in child.stdout && typeof child.stdout.unref === "function") child.stdout.unref();
}
