// Sends events to the observers: `EventHub`. A subscriber that is too slow is dropped with a status that says so. It
// never slows down the run.
import { once } from "node:events";
import { Metadata, type ServerWritableStream, status } from "@grpc/grpc-js";
import type { Event, SubscribeRequest } from "@lockstep/protocol";

type Subscriber = ServerWritableStream<SubscribeRequest, Event>;
export type EventBody = NonNullable<Event["event"]>;

/** Largest number of events that wait for one subscriber. */
const defaultQueueLength = 1024;

export class EventHub {
  readonly #coordinatorGeneration: number;
  readonly #queueLength: number;
  readonly #subscribers = new Set<Subscriber>();
  readonly #unixMs: () => number;
  readonly #onPublished: (event: Event) => void;
  #sequence = 0;
  #isClosed = false;

  constructor(options: {
    readonly coordinatorGeneration: number;
    readonly unixMs: () => number;
    readonly queueLength?: number;
    /** Called with every event before the subscribers receive it. */
    readonly onPublished?: (event: Event) => void;
  }) {
    this.#coordinatorGeneration = options.coordinatorGeneration;
    this.#unixMs = options.unixMs;
    this.#onPublished = options.onPublished ?? (() => {});
    this.#queueLength = options.queueLength ?? defaultQueueLength;
  }

  get numSubscribers(): number {
    return this.#subscribers.size;
  }

  /** Sends the snapshot, which describes the run at this moment, then every later event. */
  subscribe(call: Subscriber, snapshot: readonly EventBody[]): void {
    if (this.#isClosed) {
      // The event of the run's end was published before, so this subscriber would not receive it.
      refuse(call, status.UNAVAILABLE, "the coordinator is ending; subscribe again when it has restarted");
      return;
    }
    this.#subscribers.add(call);
    const leave = (): void => void this.#subscribers.delete(call);
    call.on("cancelled", leave);
    call.on("error", leave);
    call.on("close", leave);
    for (const body of snapshot) this.#send(call, this.#event(body));
  }

  publish(body: EventBody): void {
    this.#sequence += 1;
    const event = this.#event(body);
    this.#onPublished(event);
    for (const call of [...this.#subscribers]) this.#send(call, event);
  }

  /**
   * Ends every stream and refuses new ones. Resolves when all events are sent, at the latest when the signal is
   * aborted.
   */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true;
    const calls = [...this.#subscribers];
    this.#subscribers.clear();
    await Promise.all(
      calls.map(async (call) => {
        const finished = once(call, "finish", { signal }).catch(() => undefined);
        call.end();
        await finished;
      }),
    );
  }

  #event(body: EventBody): Event {
    return {
      sequence: this.#sequence,
      coordinatorGeneration: this.#coordinatorGeneration,
      timeMs: Math.round(this.#unixMs()),
      event: body,
    };
  }

  #send(call: Subscriber, event: Event): void {
    // The stream is in object mode: its length counts events.
    if (call.writableLength >= this.#queueLength) {
      this.#subscribers.delete(call);
      refuse(call, status.RESOURCE_EXHAUSTED, `the subscriber is ${this.#queueLength} events behind; subscribe again`);
      return;
    }
    call.write(event);
  }
}

function refuse(call: Subscriber, code: status, details: string): void {
  call.emit("error", { code, details, metadata: new Metadata() });
}
