// Writes snapshots to the disk one after another, beside the training: `CheckpointWriter`. While one is written the newest
// waits. It replaces any other that waits, except validated ones: one of these may be the best. A write that fails does not
// stop those that wait.
import type { Snapshot } from "@lockstep/checkpoint";
import type { CheckpointReport, RunCheckpoints } from "./run-folder.js";

/** Validated snapshots that may wait; more pile up only where the disk is slower than whole epochs. */
const maxValidatedWaiting = 3;

export class CheckpointWriter {
  readonly #store: Pick<RunCheckpoints, "write">;
  readonly #onWritten: (written: CheckpointReport) => void;
  readonly #onFailed: (error: unknown) => void;
  /** In the order in which they were taken. */
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

  /** The snapshot's arrays are given away. */
  submit(snapshot: Snapshot): void {
    const validated = this.#pending.filter(({ validation }) => validation !== null);
    this.#pending = [...validated.slice(-maxValidatedWaiting), snapshot];
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when nothing is being written and nothing waits. `failed` was called for each write that failed. */
  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // `failed` may submit another snapshot: it is written by this loop, too.
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
