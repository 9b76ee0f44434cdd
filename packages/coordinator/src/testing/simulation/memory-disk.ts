// Keeps a run's folder in memory, on a disk that a simulation can make slow or full: `MemoryDisk`. Its content stays
// when the process that wrote it is killed, as on a real disk.
import {
  type CheckpointFiles,
  contentOf,
  decodeFiles,
  encodeFiles,
  type Snapshot,
  stepsToDelete,
} from "@lockstep/checkpoint";
import type { CheckpointReport, Journal, RunFolder } from "../../keep/run-folder.js";
import type { Draws } from "./draws.js";
import type { Scope } from "./virtual-time.js";

const out = "/simulated";

interface MemoryCheckpoint {
  readonly files: CheckpointFiles;
  readonly validationLoss: number | null;
  readonly writtenAtMs: number;
}

export class MemoryDisk {
  readonly files = new Map<string, string>();
  readonly journals = new Map<string, string[]>();
  readonly checkpoints = new Map<number, MemoryCheckpoint>();
  /** Lines of each journal that are on the disk, not only in the operating system's memory. */
  readonly #numSynced = new Map<string, number>();
  /** Steps of checkpoints that were written before the ledger's line of their step was synced. */
  readonly checkpointsBeforeLedger: number[] = [];
  /** While it is true, every write fails. */
  isFull = false;
  /** Longest duration of writing a checkpoint, milliseconds. */
  slowestMs = 300;

  records(name: string): Record<string, unknown>[] {
    return (this.journals.get(name) ?? []).map((line) => JSON.parse(line));
  }

  /** The folder for one process. Its operations end when the process is killed. */
  folderFor(
    scope: Scope,
    { draws, unixMs, keepLast }: { readonly draws: Draws; readonly unixMs: () => number; readonly keepLast: number },
  ): RunFolder {
    // The change and its report are two events: a process that is killed between them does not learn of the change.
    const change = <T>(maxMs: number, apply: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        scope.after(draws.below(maxMs), () => {
          if (this.isFull) {
            scope.after(1, () => reject(diskFull()));
            return;
          }
          const result = apply();
          scope.after(1 + draws.below(5), () => resolve(result));
        });
      });
    return {
      path: out,
      readText: async (name) => {
        await scope.sleep(1);
        return this.files.get(name) ?? null;
      },
      replaceJson: (name, value) => change(20, () => void this.files.set(name, JSON.stringify(value))),
      remove: (name) => change(5, () => void this.files.delete(name)),
      openJournal: (name) => this.#journal(name),
      checkpoints: {
        path: `${out}/checkpoints`,
        loadNewest: async () => {
          await scope.sleep(2);
          const step = Math.max(-1, ...this.checkpoints.keys());
          const stored = this.checkpoints.get(step);
          if (stored === undefined) return { checkpoint: null, skipped: [] };
          const { files, writtenAtMs } = stored;
          const path = pathOf(step);
          return { checkpoint: { ...(await decodeFiles(files, path)), path, writtenAtMs }, skipped: [] };
        },
        write: (snapshot) => {
          const files = encodeFiles(contentOf(snapshot));
          return change(this.slowestMs, () => this.store(snapshot, { files, writtenAtMs: unixMs(), keepLast }));
        },
      },
    };
  }

  store(
    { position: { step }, validation }: Snapshot,
    { files, writtenAtMs, keepLast }: { files: CheckpointFiles; writtenAtMs: number; keepLast: number },
  ): CheckpointReport {
    const ledger = this.records("ledger.jsonl").slice(0, this.#numSynced.get("ledger.jsonl") ?? 0);
    if (step > 0 && !ledger.some((record) => record["step"] === step)) this.checkpointsBeforeLedger.push(step);
    this.checkpoints.set(step, { files, validationLoss: validation?.["loss"] ?? null, writtenAtMs });
    const candidates = [...this.checkpoints].map(([at, { validationLoss }]) => ({ step: at, validationLoss }));
    const deletedSteps = stepsToDelete(candidates, { keepLast, keepBest: true }).filter((at) => at !== step);
    for (const at of deletedSteps) this.checkpoints.delete(at);
    return { step, path: pathOf(step), sizeBytes: 0, seconds: 0 };
  }

  #journal(name: string): Journal {
    const lines = this.journals.get(name) ?? [];
    this.journals.set(name, lines);
    return {
      append: (record) => {
        if (this.isFull) throw diskFull();
        lines.push(JSON.stringify(record));
      },
      sync: async () => void this.#numSynced.set(name, lines.length),
      close: () => void this.#numSynced.set(name, lines.length),
    };
  }
}

function pathOf(step: number): string {
  return `${out}/checkpoints/step-${String(step).padStart(8, "0")}`;
}

function diskFull(): Error {
  const message = "ENOSPC: no space left on device, write";
  return Object.assign(new Error(message), { code: "ENOSPC", syscall: "write" });
}
