// Writes snapshots to the disk one after another while the training goes on: `CheckpointWriter`. During a write the
// newest snapshot waits. It replaces others that wait, except validated ones, because one of them may be the best.
// After a failed write the waiting snapshots are still written.
import type { Snapshot } from "@lockstep/checkpoint";
import type { CheckpointReport, RunCheckpoints } from "./run-folder.js";

/**
 * Largest number of validated snapshots that wait. There are more only when a write takes longer than several epochs.
 */
const maxValidatedWaiting = 3;

export class CheckpointWriter {
  readonly #store: Pick<RunCheckpoints, "write">;
  readonly #onWritten: (written: CheckpointReport) => void;
  readonly #onFailed: (error: unknown) => void;
  /** In the order of their creation. */
  #pending: Snapshot[] = [];
  #writing: Promise<void> | null = null;

  constructor(
    store: Pick<RunCheckpoints, "write">,
    on: { readonly written: (written: CheckpointReport) => void; readonly failed: (error: unknown) => void },
  ) {
    this.#store = store;
    this.#onWritten = on.written;
    this.#onFailed = on.failed;
  }

  /** The writer takes ownership of the snapshot's arrays. */
  submit(snapshot: Snapshot): void {
    const validated = this.#pending.filter(({ validation }) => validation !== null);
    this.#pending = [...validated.slice(-maxValidatedWaiting), snapshot];
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when no snapshot is being written or waits. By then `failed` was called for each failed write. */
  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // `failed` may submit another snapshot. This loop writes it, too.
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      const written = await this.#store.write(next).catch((error: unknown) => {
        this.#onFailed(error);
        return null;
      });
      if (written !== null) this.#onWritten(written);
    }
    this.#writing = null;
  }
}
