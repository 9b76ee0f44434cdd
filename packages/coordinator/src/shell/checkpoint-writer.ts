// Owns when snapshots reach the disk: one at a time, off the step path; while one is written the newest waits and
// replaces any other that waited.
import type { CheckpointStore, Snapshot, WrittenCheckpoint } from "@lockstep/checkpoint";

export class CheckpointWriter {
  readonly #store: CheckpointStore;
  readonly #onWritten: (written: WrittenCheckpoint) => void;
  readonly #onFailed: (error: unknown) => void;
  #pending: Snapshot | null = null;
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
    this.#pending = snapshot;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when nothing is being written and nothing waits. Failures were told to `failed`. */
  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = this.#takePending(); next !== null; next = this.#takePending()) {
        this.#onWritten(await this.#store.write(next));
      }
    } catch (error) {
      this.#onFailed(error);
    } finally {
      this.#writing = null;
    }
  }

  #takePending(): Snapshot | null {
    const snapshot = this.#pending;
    this.#pending = null;
    return snapshot;
  }
}
