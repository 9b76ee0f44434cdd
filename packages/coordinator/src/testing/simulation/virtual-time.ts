// Runs a simulation's events in the order of a clock that nobody waits for: `VirtualTime`. A `Scope` is a process in it: when it
// is killed, none of its timers and none of its waits ever ends.

interface Appointment {
  readonly atMs: number;
  readonly work: () => void;
}

export class VirtualTime {
  #nowMs = 0;
  /** Ascending by time; of equal times in the order in which they were made. */
  readonly #appointments: Appointment[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, work: () => void): void {
    const atMs = this.#nowMs + ms;
    let index = this.#appointments.length;
    while (index > 0 && (this.#appointments[index - 1]?.atMs ?? 0) > atMs) index -= 1;
    this.#appointments.splice(index, 0, { atMs, work });
  }

  /** @throws when the deadline passes first */
  async runUntil(isDone: () => boolean, deadlineMs: number): Promise<void> {
    await settle();
    while (!isDone()) {
      const next = this.#appointments.shift();
      if (next === undefined) throw new Error("nothing is left to happen: somebody waits for ever");
      if (next.atMs > deadlineMs) throw new Error(`not done after ${deadlineMs} ms: somebody waits for ever`);
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

/** All promises that can go on have gone on when this resolves: a simulation has no input or output. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
