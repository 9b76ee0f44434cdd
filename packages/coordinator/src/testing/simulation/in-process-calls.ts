// Calls the services of a simulated coordinator without sockets: `Endpoint` is the coordinator's address, and
// `Connection` is a worker's connection to it. Messages take virtual time. A connection can break at any moment.
import { EventEmitter } from "node:events";
import {
  type FetchWeightsRequest,
  FetchWeightsResponse,
  float32Bytes,
  type Instruction,
  type JoinRequest,
  type JoinResponse,
  type SubmitSumRequest,
  type SubmitSumResponse,
  TensorAssembler,
  type TensorLayout,
  type WorkerReport,
} from "@lockstep/protocol";
import type { ServedService } from "@lockstep/service";
import { unavailable } from "../../serve/readiness-guard.js";
import type { Draws } from "./draws.js";
import type { Scope, VirtualTime } from "./virtual-time.js";

type Answer = (error: Error | null, response?: unknown) => void;
type Method = (call: unknown, answer?: Answer) => void;

/** A call, with the interface that the service uses. */
class Call extends EventEmitter {
  cancelled = false;
  request: unknown;
  write: (message: never) => boolean = () => true;
  end: () => void = () => {};

  /** As grpc-js does when the connection is lost. */
  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.emit("cancelled");
  }
}

export class Endpoint {
  readonly #methods: Readonly<Record<string, Method>>;
  readonly #isReady: () => boolean;
  readonly #process: Scope;
  #isClosed = false;

  constructor(services: readonly ServedService[], { isReady, process }: { isReady: () => boolean; process: Scope }) {
    // No two of the three services have a method of the same name.
    this.#methods = Object.assign({}, ...services.map(({ implementation }) => implementation));
    this.#isReady = isReady;
    this.#process = process;
  }

  get isReachable(): boolean {
    return this.#process.isAlive && !this.#isClosed && this.#isReady();
  }

  close(): void {
    this.#isClosed = true;
  }

  call(name: string, call: unknown, answer?: Answer): void {
    const method = this.#methods[name];
    if (method === undefined) throw new Error(`no service has the method ${name}`);
    method(call, answer);
  }
}

export class Connection {
  readonly #endpoint: Endpoint;
  readonly #worker: Scope;
  readonly #time: VirtualTime;
  readonly #draws: Draws;
  readonly #latencyMs: number;
  readonly #open = new Map<Call, (error: Error) => void>();

  constructor(
    endpoint: Endpoint,
    options: { readonly worker: Scope; readonly time: VirtualTime; readonly draws: Draws },
  ) {
    this.#endpoint = endpoint;
    this.#worker = options.worker;
    this.#time = options.time;
    this.#draws = options.draws;
    this.#latencyMs = 1 + this.#draws.below(20);
  }

  join(request: JoinRequest): Promise<JoinResponse> {
    return this.#unary("join", { request }) as Promise<JoinResponse>;
  }

  /** `ended` resolves when the stream has ended: with the error, or with null. */
  attend(onInstruction: (instruction: Instruction) => void): {
    readonly ended: Promise<Error | null>;
    send(report: WorkerReport): void;
    close(): void;
  } {
    const call = new Call();
    const ended = new Promise<Error | null>((resolve) => {
      this.#track(call, resolve);
      call.end = () => this.#toWorker(() => resolve(null));
    });
    void ended.then(() => this.#open.delete(call));
    call.write = (instruction) => {
      this.#toWorker(() => onInstruction(instruction));
      return true;
    };
    this.#toCoordinator(call, () => this.#endpoint.call("attend", call));
    return {
      ended,
      send: (report) => this.#toCoordinator(call, () => call.emit("data", report)),
      close: () => this.#toCoordinator(call, () => call.emit("end")),
    };
  }

  async fetchWeights(request: FetchWeightsRequest, layout: TensorLayout): Promise<Float32Array> {
    const call = new Call();
    call.request = request;
    const weights = new Float32Array(layout.numElements);
    let assembler: TensorAssembler | null = null;
    call.write = (message: Uint8Array) => {
      const { part } = FetchWeightsResponse.decode(message);
      if (part?.$case === "chunk") assembler?.add(part.value);
      if (part?.$case === "header") {
        assembler = new TensorAssembler(part.value, { layoutSha256: layout.sha256, into: float32Bytes(weights) });
      }
      if (this.#draws.chance(0.8)) return true;
      this.#time.after(this.#latencyMs, () => call.emit("drain"));
      return false;
    };
    await new Promise<void>((resolve, reject) => {
      this.#track(call, reject);
      call.end = () => this.#toWorker(resolve);
      this.#toCoordinator(call, () => this.#endpoint.call("fetchWeights", call));
    }).finally(() => this.#open.delete(call));
    (assembler as TensorAssembler | null)?.finish();
    return weights;
  }

  /** @param options.cutAfter the call is cancelled after this number of requests */
  submit(
    requests: readonly SubmitSumRequest[],
    options: { readonly cutAfter?: number } = {},
  ): Promise<SubmitSumResponse> {
    const call = new Call();
    return new Promise<SubmitSumResponse>((resolve, reject) => {
      this.#track(call, reject);
      this.#toCoordinator(call, () => this.#endpoint.call("submitSum", call, this.#answer(resolve, reject)));
      let delayMs = 0;
      for (const [index, request] of requests.entries()) {
        if (index === options.cutAfter) {
          this.#worker.after(delayMs + this.#latencyMs, () => {
            call.cancel();
            reject(broken("the upload was cut off"));
          });
          return;
        }
        this.#toCoordinator(call, () => call.emit("data", request), delayMs);
        delayMs += this.#draws.below(30);
      }
      this.#toCoordinator(call, () => call.emit("end"), delayMs);
    }).finally(() => this.#open.delete(call));
  }

  stop(reason: string): Promise<unknown> {
    return this.#unary("stop", { request: { reason } });
  }

  /** Ends every open call for both sides, as when a process or the network fails. */
  break(): void {
    for (const [call, reject] of [...this.#open]) {
      this.#open.delete(call);
      if (this.#endpoint.isReachable) call.cancel();
      reject(broken("the connection was lost"));
    }
  }

  #unary(name: string, call: { readonly request: unknown }): Promise<unknown> {
    const tracked = new Call();
    return new Promise((resolve, reject) => {
      this.#track(tracked, reject);
      this.#toCoordinator(tracked, () => this.#endpoint.call(name, call, this.#answer(resolve, reject)));
    }).finally(() => this.#open.delete(tracked));
  }

  #answer(resolve: (response: never) => void, reject: (error: Error) => void): Answer {
    return (error, response) =>
      this.#toWorker(() => {
        if (error === null) resolve(response as never);
        else reject(error instanceof Error ? error : Object.assign(new Error("refused"), error));
      });
  }

  #track(call: Call, reject: (error: Error) => void): void {
    this.#open.set(call, reject);
    call.on("error", (error: Error) => this.#toWorker(() => reject(error)));
  }

  #toCoordinator(call: Call, deliver: () => void, delayMs = 0): void {
    this.#worker.after(this.#latencyMs + delayMs, () => {
      if (!this.#endpoint.isReachable) this.#open.get(call)?.(broken("the coordinator does not answer"));
      else if (!call.cancelled) deliver();
    });
  }

  #toWorker(deliver: () => void): void {
    this.#worker.after(this.#latencyMs, deliver);
  }
}

function broken(reason: string): Error {
  return Object.assign(new Error(reason), unavailable(reason));
}
