// For tests: EventQueue holds events until a test awaits them, one by one and in order.

export class EventQueue<T> {
  readonly #values: T[] = [];
  readonly #waiters: ((value: T) => void)[] = [];

  push(value: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#values.push(value);
    else waiter(value);
  }

  next(): Promise<T> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve(value);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves to the first event that matches; drops the events before it. */
  async nextThat(matches: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = await this.next();
      if (matches(value)) return value;
    }
  }

  get numWaiting(): number {
    return this.#values.length;
  }
}
