// ThreadLink starts a worker thread and sends it requests; serveThread() answers them in the thread. The messages are a
// setup, then requests that are answered in any order, then a stop. The two callers define what the requests mean.
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
  /** The thread could not start its service; it ends. */
  | { readonly kind: "start-failed"; readonly isUserError: boolean; readonly message: string }
  | { readonly kind: "log"; readonly level: "info" | "warn"; readonly fields: object; readonly message: string }
  | { readonly kind: "result"; readonly id: number; readonly result: Result }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };

interface Pending<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that has not ended this long after a stop is terminated. */
const stopTimeoutMs = 5_000;

export interface ThreadLinkOptions {
  /** The compiled module that the thread runs; it calls serveThread. */
  readonly entry: URL;
  /** The thread's name in messages and logs. */
  readonly name: string;
  /** The argument of serveThread's `open`; must be structured-clonable. */
  readonly setup: unknown;
  readonly log: Logger;
}

export class ThreadLink<Request, Result, Ready> {
  readonly name: string;
  /** Resolves to the service's `ready`; rejects with the UserError or Error that prevented the start. */
  readonly ready: Promise<Ready>;
  /** Rejects when the thread ends without a stop. Never resolves. */
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
    let reportReady: (ready: Ready) => void = () => {};
    let failStart: (error: Error) => void = () => {};
    let reportCrash: (error: Error) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      reportReady = resolve;
      failStart = reject;
    });
    this.crashed = new Promise((_resolve, reject) => {
      reportCrash = reject;
    });
    const end = (error: Error): void => {
      if (this.#end !== null) return;
      this.#end = error;
      failStart(error);
      if (!this.#stopping) reportCrash(error);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    };
    // A caller may await neither; a crash also rejects the calls under way.
    this.ready.catch(() => {});
    this.crashed.catch(() => {});
    this.#worker.on("message", (message: FromThread<Result, Ready>) => {
      if (message.kind === "ready") reportReady(message.ready);
      else if (message.kind === "start-failed") {
        end(message.isUserError ? new UserError(message.message) : new Error(`${name}: ${message.message}`));
      } else this.#receive(message);
    });
    this.#worker.on("error", (error) => end(new Error(`${name} crashed`, { cause: error })));
    this.#worker.on("exit", (code) => end(new Error(`${name} ended unexpectedly (exit code ${code})`)));
  }

  /** @throws Error if the request failed, or if the thread has ended */
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

  /** Ends the thread after the request under way; terminates it when that takes too long. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#send({ kind: "stop" });
    }
    const timer = setTimeout(() => {
      this.#log.warn({ thread: this.name, stopTimeoutMs }, "a thread did not end in time; terminating it");
      void this.#worker.terminate();
    }, stopTimeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #send(message: ToThread<Request>): void {
    this.#worker.postMessage(message);
  }

  #receive(message: Exclude<FromThread<Result, Ready>, { kind: "ready" } | { kind: "start-failed" }>): void {
    if (message.kind === "log") {
      this.#log[message.level]({ thread: this.name, ...message.fields }, message.message);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return; // the call was rejected when the link ended
    this.#pending.delete(message.id);
    if (message.kind === "result") pending.resolve(message.result);
    else pending.reject(new Error(message.message));
  }
}

export interface ThreadService<Request, Result, Ready> {
  readonly ready: Ready;
  /** An error rejects the call, with its message only; the thread goes on. */
  handle(request: Request): Result;
  close(): Promise<void> | void;
}

/** Runs in the thread. `open` gets the setup of ThreadLink; an error that it throws rejects ThreadLink's `ready`. */
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
    service = await open(workerData as Setup, log); // the creator of the ThreadLink passed it
  } catch (error) {
    const isUserError = error instanceof UserError;
    send({ kind: "start-failed", isUserError, message: isUserError ? error.message : describeError(error) });
    port.close();
    return;
  }
  port.on("message", (message: ToThread<Request>) => {
    if (message.kind === "crash") throw new Error("crash injected by LOCKSTEP_FAULTS");
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
