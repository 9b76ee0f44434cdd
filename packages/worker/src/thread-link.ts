// Owns one worker thread and the talk with it: a setup, then requests that are answered in any order, then a stop.
// What the requests mean is left to the two ends. The thread's side is serveThread, the main thread's ThreadLink.
import { type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import { describeError, type Log, UserError } from "@lockstep/errors";
import type { Logger } from "pino";

type ToThread<Request> = { readonly kind: "request"; readonly id: number; readonly request: Request } | Command;
type Command =
  | { readonly kind: "stop" }
  /** Fault injection: throw outside of any request. */
  | { readonly kind: "crash" };

type FromThread<Result, Ready> =
  | { readonly kind: "ready"; readonly ready: Ready }
  /** The thread cannot do its work; it ends. */
  | { readonly kind: "unusable"; readonly isUserError: boolean; readonly message: string }
  | { readonly kind: "log"; readonly level: "info" | "warn"; readonly fields: object; readonly message: string }
  | { readonly kind: "result"; readonly id: number; readonly result: Result }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };

interface Pending<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/** How long a thread may take to end after a stop before it is terminated. */
const stopTimeoutMs = 5_000;

export interface ThreadLinkOptions {
  /** The compiled module that the thread runs; it calls serveThread. */
  readonly entry: URL;
  /** For people. */
  readonly name: string;
  /** Structured-clonable; the thread's serveThread gets it. */
  readonly setup: unknown;
  readonly log: Logger;
}

export class ThreadLink<Request, Result, Ready> {
  readonly name: string;
  /** What the thread said when it was ready; rejects with the UserError or Error that kept it from that. */
  readonly ready: Promise<Ready>;
  /** Rejects when the thread dies unasked. Never resolves. */
  readonly crashed: Promise<never>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #log: Logger;
  readonly #pending = new Map<number, Pending<Result>>();
  #nextId = 0;
  #end: Error | null = null;
  #stopping = false;

  constructor({ entry, name, setup, log }: ThreadLinkOptions) {
    this.name = name;
    this.#log = log;
    this.#worker = new Worker(entry, { workerData: setup, name });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => resolve());
    });
    let becomeReady: (ready: Ready) => void = () => {};
    let becomeUnusable: (error: Error) => void = () => {};
    let becomeCrashed: (error: Error) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      becomeReady = resolve;
      becomeUnusable = reject;
    });
    this.crashed = new Promise((_resolve, reject) => {
      becomeCrashed = reject;
    });
    const end = (error: Error): void => {
      if (this.#end !== null) return;
      this.#end = error;
      becomeUnusable(error);
      if (!this.#stopping) becomeCrashed(error);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    };
    // Whoever cares awaits them; a crash that nobody awaits is seen by the calls under way.
    this.ready.catch(() => {});
    this.crashed.catch(() => {});
    this.#worker.on("message", (message: FromThread<Result, Ready>) => {
      if (message.kind === "ready") becomeReady(message.ready);
      else if (message.kind === "unusable") {
        end(message.isUserError ? new UserError(message.message) : new Error(`${name}: ${message.message}`));
      } else this.#hear(message);
    });
    this.#worker.on("error", (error) => end(new Error(`${name} crashed`, { cause: error })));
    this.#worker.on("exit", (code) => end(new Error(`${name} ended unasked (exit code ${code})`)));
  }

  /** Rejects with the request's own error, or with the thread's end. */
  call(request: Request): Promise<Result> {
    if (this.#end !== null) return Promise.reject(this.#end);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#send({ kind: "request", id, request });
    });
  }

  crash(): void {
    this.#send({ kind: "crash" });
  }

  /** Lets the request under way end, then ends the thread; terminates it when that takes too long. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#send({ kind: "stop" });
    }
    const timer = setTimeout(() => {
      this.#log.warn({ thread: this.name, stopTimeoutMs }, "a thread does not end by itself; terminating it");
      void this.#worker.terminate();
    }, stopTimeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #send(message: ToThread<Request>): void {
    this.#worker.postMessage(message);
  }

  #hear(message: Exclude<FromThread<Result, Ready>, { kind: "ready" } | { kind: "unusable" }>): void {
    if (message.kind === "log") {
      this.#log[message.level]({ thread: this.name, ...message.fields }, message.message);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return; // the link ended meanwhile
    this.#pending.delete(message.id);
    if (message.kind === "result") pending.resolve(message.result);
    else pending.reject(new Error(message.message));
  }
}

export interface ThreadService<Request, Result, Ready> {
  readonly ready: Ready;
  /** Errors travel as one line; the thread goes on. */
  handle(request: Request): Result;
  close(): Promise<void> | void;
}

/** Runs in the thread. `open` gets ThreadLink's setup; what it throws makes the thread unusable. */
export async function serveThread<Setup, Request, Result, Ready>(
  open: (setup: Setup, log: Log) => Promise<ThreadService<Request, Result, Ready>>,
): Promise<void> {
  if (parentPort === null) throw new Error("this module runs in a worker thread only");
  const port: MessagePort = parentPort;
  const send = (message: FromThread<Result, Ready>): void => port.postMessage(message);
  const log: Log = {
    info: (fields, message) => send({ kind: "log", level: "info", fields, message }),
    warn: (fields, message) => send({ kind: "log", level: "warn", fields, message }),
  };
  let service: ThreadService<Request, Result, Ready>;
  try {
    service = await open(workerData as Setup, log); // ThreadLink was given it
  } catch (error) {
    const isUserError = error instanceof UserError;
    send({ kind: "unusable", isUserError, message: isUserError ? error.message : describeError(error) });
    port.close();
    return;
  }
  port.on("message", (message: ToThread<Request>) => {
    if (message.kind === "crash") throw new Error("crash asked for by fault injection");
    if (message.kind === "stop") {
      void Promise.resolve(service.close()).finally(() => port.close());
      return;
    }
    const { id, request } = message;
    try {
      send({ kind: "result", id, result: service.handle(request) });
    } catch (error) {
      send({ kind: "failed", id, message: describeError(error) });
    }
  });
  send({ kind: "ready", ready: service.ready });
}
