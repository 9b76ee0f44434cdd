// Owns what a run will need of this machine, against what there is: memory and disk. Numbers are estimates and say so;
// only what cannot work at all is a problem.
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
  /** Of each file system, what it has to take and what is free. */
  readonly fileSystems: readonly { readonly place: string; readonly neededBytes: number; readonly freeBytes: number }[];
}

// Of the model's size, fitted to the peaks of real runs (docs/lab-log.md has them).
/** Weights, moments, gradient; their copies in a checkpoint under way; sums that arrive and wait for their neighbours. */
const coordinatorCopies = 14;
/** Weights as they come and as they are used, contributions being computed, added and sent. */
const workerCopies = 10;
/** A Node process with this program loaded. */
const processBytes = 180 * 2 ** 20;

/** @param worker what a trial found; null where none was made */
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

/** One line each; what is wrong is an error of the user's: fewer workers, another folder. */
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

/** What may turn out badly: other programs hold the memory now. */
export function warningsOf(memory: MemoryNeeds): string[] {
  const needed = sum(memory.needs);
  if (needed <= memory.freeBytes || needed > memory.totalBytes) return [];
  return [`memory: about ${sizeText(needed)} needed, ${sizeText(memory.freeBytes)} free just now`];
}

export function sum(needs: readonly Need[]): number {
  return needs.reduce((total, { bytes }) => total + bytes, 0);
}

/** A folder that a run would make may not be there yet. */
async function nearestThere(path: string): Promise<{ path: string; device: number }> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if ((error.code === "ENOENT" || error.code === "ENOTDIR") && dirname(path) !== path) return null;
    throw error;
  });
  return stats === null ? nearestThere(dirname(path)) : { path, device: stats.dev };
}
