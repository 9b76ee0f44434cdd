// Owns when snapshots reach the disk: one at a time, off the step path; while one is written the newest waits and
// replaces any other that waited, but those that were validated: one of them may be the best.
import type { CheckpointStore, Snapshot, WrittenCheckpoint } from "@lockstep/checkpoint";

/** Validated snapshots that may wait; more pile up only where the disk is slower than whole epochs. */
const maxValidatedWaiting = 3;

export class CheckpointWriter {
  readonly #store: CheckpointStore;
  readonly #onWritten: (written: WrittenCheckpoint) => void;
  readonly #onFailed: (error: unknown) => void;
  /** In the order in which they were taken. */
  #pending: Snapshot[] = [];
  #writing: Promise<void> | null = null;

  constructor(
    store: CheckpointStore,
    on: { readonly written: (written: WrittenCheckpoint) => void; readonly failed: (error: unknown) => void },
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

  /** Resolves when nothing is being written and nothing waits. Failures were told to `failed`. */
  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
        this.#onWritten(await this.#store.write(next));
      }
    } catch (error) {
      this.#onFailed(error);
    } finally {
      this.#writing = null;
    }
  }
}
