// Owns doing many small asynchronous jobs with a fixed number in flight, in order of start, with progress and abort.

export interface BoundedWork<Item, Result> {
  readonly items: readonly Item[];
  /** Jobs in flight. */
  readonly limit: number;
  readonly work: (item: Item, index: number) => Promise<Result>;
  readonly signal?: AbortSignal | undefined;
  /** Called after each finished job. */
  readonly onDone?: ((done: number) => void) | undefined;
}

/** Results in the order of the items. Rejects with the first error, once no job is in flight any more. */
export async function mapBounded<Item, Result>(options: BoundedWork<Item, Result>): Promise<Result[]> {
  const { items, limit, work, signal, onDone } = options;
  const results = new Array<Result>(items.length);
  let next = 0;
  let done = 0;
  let failed = false;
  const runLane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        results[index] = await work(items[index] as Item, index); // index < items.length
      } catch (error) {
        failed = true;
        throw error;
      }
      done += 1;
      onDone?.(done);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, runLane));
  const rejected = lanes.find((lane) => lane.status === "rejected");
  if (rejected) throw rejected.reason;
  return results;
}
