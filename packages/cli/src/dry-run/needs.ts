// `memoryNeeds` and `diskNeeds` estimate a run's memory and disk space and compare them with this machine's. Only a need that
// cannot be met is a problem.
import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { freeMemoryBytes, sizeText, totalMemoryBytes } from "../memory-limit.js";

export interface Need {
  readonly what: string;
  readonly bytes: number;
}

export interface MemoryNeeds {
  readonly needs: readonly Need[];
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface DiskNeeds {
  readonly needs: readonly (Need & { readonly place: string })[];
  /** The needed and the free space of each file system. */
  readonly fileSystems: readonly { readonly place: string; readonly neededBytes: number; readonly freeBytes: number }[];
}

// Multiples of the model's size, fitted to the peaks of real runs (see docs/lab-log.md).
/** Weights, moments, gradient, their copies while a checkpoint is written, and sums that wait to be reduced. */
const coordinatorCopies = 14;
/** Weights as received and as used, and contributions that are computed, added and sent. */
const workerCopies = 10;
/** A Node process with this program loaded. */
const processBytes = 180 * 2 ** 20;

/** `worker` is what a trial measured; null if there was no trial. */
export function memoryNeeds(run: {
  readonly weightsBytes: number;
  readonly workers: number;
  readonly threads: number;
  readonly worker: {
    readonly workerBytes: number;
    readonly threadBytes: number;
    readonly sharedBytes: number;
  } | null;
}): MemoryNeeds {
  const { weightsBytes, workers, threads, worker } = run;
  const shared = worker?.sharedBytes ?? 0;
  const each =
    worker === null ? 0 : worker.workerBytes + workerCopies * weightsBytes + (threads - 1) * worker.threadBytes;
  return {
    needs: [
      { what: "launcher", bytes: processBytes },
      { what: "coordinator", bytes: processBytes + coordinatorCopies * weightsBytes },
      ...(worker === null
        ? []
        : [{ what: `${workers} worker${workers === 1 ? "" : "s"}`, bytes: shared + workers * (each - shared) }]),
    ],
    totalBytes: totalMemoryBytes(),
    freeBytes: freeMemoryBytes(),
  };
}

export async function diskNeeds(needs: DiskNeeds["needs"]): Promise<DiskNeeds> {
  const byDevice = new Map<number, { place: string; neededBytes: number; freeBytes: number }>();
  for (const { bytes, place } of needs) {
    const there = await nearestThere(place);
    const { bavail, bsize } = await statfs(there.path);
    const former = byDevice.get(there.device);
    byDevice.set(there.device, {
      place: former?.place ?? there.path,
      neededBytes: (former?.neededBytes ?? 0) + bytes,
      freeBytes: bavail * bsize,
    });
  }
  return { needs, fileSystems: [...byDevice.values()] };
}

/** @returns one line for each need that this machine cannot meet */
export function problemsOf(memory: MemoryNeeds, disk: DiskNeeds): string[] {
  const needed = sum(memory.needs);
  return [
    ...(needed > memory.totalBytes
      ? [
          `memory: about ${sizeText(needed)} needed, this machine has ${sizeText(memory.totalBytes)} (fewer --workers or --threads, a smaller --micro-batch)`,
        ]
      : []),
    ...disk.fileSystems
      .filter(({ neededBytes, freeBytes }) => neededBytes > freeBytes)
      .map(
        ({ place, neededBytes, freeBytes }) =>
          `disk: about ${sizeText(neededBytes)} needed at ${place}, ${sizeText(freeBytes)} free (--out, --cache-dir, --keep-last)`,
      ),
  ];
}

/** @returns a warning if the run needs memory that other programs use now */
export function warningsOf(memory: MemoryNeeds): string[] {
  const needed = sum(memory.needs);
  if (needed <= memory.freeBytes || needed > memory.totalBytes) return [];
  return [`memory: about ${sizeText(needed)} needed, ${sizeText(memory.freeBytes)} free just now`];
}

export function sum(needs: readonly Need[]): number {
  return needs.reduce((total, { bytes }) => total + bytes, 0);
}

/** @returns the nearest existing folder, as the run creates its folders later */
async function nearestThere(path: string): Promise<{ path: string; device: number }> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if ((error.code === "ENOENT" || error.code === "ENOTDIR") && dirname(path) !== path) return null;
    throw error;
  });
  return stats === null ? nearestThere(dirname(path)) : { path, device: stats.dev };
}
