// Owns the event stream to observers. A subscriber that does not keep up is dropped with a clear status; it never slows
// the run.

import { once } from "node:events";
import { Metadata, type ServerWritableStream, status } from "@grpc/grpc-js";
import type { Event, SubscribeRequest } from "@lockstep/protocol";

type Subscriber = ServerWritableStream<SubscribeRequest, Event>;
export type EventBody = NonNullable<Event["event"]>;

/** Events that may wait for one subscriber. */
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
    /** Hears every event before the subscribers. */
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

  /** `snapshot` brings the subscriber up to now; then every event as it happens. */
  subscribe(call: Subscriber, snapshot: readonly EventBody[]): void {
    if (this.#isClosed) {
      // It would take the run for one that goes on: how it ended was told already.
      refuse(call, status.UNAVAILABLE, "the coordinator ends; subscribe again when it is back");
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

  /** Ends every stream and takes no other; resolves when each has taken its last event, at the latest when the signal is aborted. */
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
