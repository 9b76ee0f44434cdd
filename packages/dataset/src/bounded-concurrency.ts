// Runs many small asynchronous jobs, a fixed number at the same time, with progress and abort (mapBounded).
// The p-map library does not fit: it rejects while jobs are still running, with the error that happens to come first.

export interface BoundedWork<Item, Result> {
  readonly items: readonly Item[];
  /** The largest number of jobs that run at the same time. */
  readonly limit: number;
  readonly work: (item: Item, index: number) => Promise<Result>;
  readonly signal?: AbortSignal | undefined;
  /** Called after each finished job. */
  readonly onDone?: ((done: number) => void) | undefined;
}

/**
 * Returns the results in the order of the items. If jobs fail, it waits until no job is running and rejects with the
 * error of the first item (in the order of `items`) that failed, so that the error does not depend on timing.
 */
export async function mapBounded<Item, Result>(options: BoundedWork<Item, Result>): Promise<Result[]> {
  const { items, limit, work, signal, onDone } = options;
  const results = new Array<Result>(items.length);
  let next = 0;
  let done = 0;
  const failures: { index: number; error: unknown }[] = [];
  const runLane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        results[index] = await work(items[index] as Item, index); // index < items.length
      } catch (error) {
        failures.push({ index, error });
        return;
      }
      done += 1;
      onDone?.(done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runLane));
  const earliest = failures.sort((a, b) => a.index - b.index)[0];
  if (earliest) throw earliest.error;
  return results;
}
