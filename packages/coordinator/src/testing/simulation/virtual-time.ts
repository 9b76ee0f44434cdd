// Runs the events of a simulation in the order of a virtual clock: `VirtualTime`. A `Scope` is a simulated process:
// after it is killed, its timers do not fire and its waits do not end.

interface TimedEvent {
  readonly atMs: number;
  readonly work: () => void;
}

export class VirtualTime {
  #nowMs = 0;
  /** In ascending order of time. Events at the same time are in the order in which they were added. */
  readonly #events: TimedEvent[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, work: () => void): void {
    const atMs = this.#nowMs + ms;
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1]?.atMs ?? 0) > atMs) index -= 1;
    this.#events.splice(index, 0, { atMs, work });
  }

  /** Runs events until `isDone` returns true. @throws Error if the deadline passes or no event is left before that */
  async runUntil(isDone: () => boolean, deadlineMs: number): Promise<void> {
    await settle();
    while (!isDone()) {
      const next = this.#events.shift();
      if (next === undefined) throw new Error("no event is left, and the simulation is not done");
      if (next.atMs > deadlineMs) throw new Error(`the simulation is not done after ${deadlineMs} ms`);
      this.#nowMs = next.atMs;
      next.work();
      await settle();
    }
  }
}

export class Scope {
  isAlive = true;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  kill(): void {
    this.isAlive = false;
  }

  after(ms: number, work: () => void): void {
    this.#time.after(ms, () => {
      if (this.isAlive) work();
    });
  }

  every(intervalMs: number, work: () => void): () => void {
    let stopped = false;
    const again = (): void =>
      this.after(intervalMs, () => {
        if (stopped) return;
        work();
        again();
      });
    again();
    return () => {
      stopped = true;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }
}

/** Resolves when all promise callbacks that can run have run. A simulation has no input or output to wait for. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
