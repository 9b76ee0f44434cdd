// A worker for tests that uses the real protocol and made-up gradients: `FakeWorker`. A test changes what it does by
// `Behaviour`.
import { once } from "node:events";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import {
  CoordinatorClient,
  type FetchWeightsResponse,
  float32Bytes,
  fromServiceError,
  type Instruction,
  type JoinRequest,
  type JoinResponse,
  type Lease,
  PROTOCOL_VERSION,
  type SubmitSumRequest,
  type SubmitSumResponse,
  TensorAssembler,
  type WorkerReport,
} from "@lockstep/protocol";
import { connect } from "@lockstep/service";
import { madeUpSum } from "./made-up-sum.js";
import type { TinyRun } from "./prepared-folder.js";

const quiet = { info: () => {}, warn: () => {} };

export interface Behaviour {
  /** Called before a lease is computed. When it returns false, the lease is ignored. */
  readonly onLease?: (lease: Lease, worker: FakeWorker) => boolean | Promise<boolean>;
  /** Returns changed requests of an upload. */
  readonly tamper?: (requests: SubmitSumRequest[], lease: Lease) => SubmitSumRequest[];
  readonly heartbeatEveryMs?: number;
}

export class FakeWorker {
  readonly answers: { readonly lease: Lease; readonly answer: SubmitSumResponse }[] = [];
  readonly refusals: Error[] = [];
  /** Resolves with the coordinator's `finish` instruction, or with null when the session ended without one. */
  readonly finished: Promise<{ completed: boolean; reason: string } | null>;
  readonly joined: JoinResponse;
  readonly client: CoordinatorClient;
  readonly #tiny: TinyRun;
  readonly #session: ClientDuplexStream<WorkerReport, Instruction>;
  readonly #behaviour: Behaviour;
  readonly #heartbeatTimer: NodeJS.Timeout;

  private constructor(
    tiny: TinyRun,
    client: CoordinatorClient,
    options: { joined: JoinResponse; behaviour: Behaviour },
  ) {
    this.#tiny = tiny;
    this.client = client;
    this.joined = options.joined;
    this.#behaviour = options.behaviour;
    this.#session = client.attend();
    this.#session.write({ report: { $case: "opened", value: { sessionId: options.joined.sessionId } } });
    let sequence = 0;
    const gpu = { index: 0, utilization: 0.5, memoryUsedBytes: 10, memoryTotalBytes: 80 };
    this.#heartbeatTimer = setInterval(() => {
      const value = { sequence: ++sequence, residentBytes: 1_000_000, eventLoopDelayMs: 2, gpus: [gpu] };
      this.#session.write({ report: { $case: "heartbeat", value } });
    }, options.behaviour.heartbeatEveryMs ?? options.joined.heartbeatIntervalMs);
    this.finished = new Promise((resolve) => {
      this.#session.on("data", ({ instruction }: Instruction) => {
        if (instruction?.$case === "lease") void this.#serve(instruction.value);
        if (instruction?.$case === "finish") resolve(instruction.value);
      });
      this.#session.on("error", () => resolve(null));
      this.#session.on("end", () => {
        this.#session.end();
        resolve(null);
      });
    });
    void this.finished.then(() => clearInterval(this.#heartbeatTimer));
  }

  static async join(
    address: string,
    tiny: TinyRun,
    { claim = {}, ...behaviour }: Behaviour & { claim?: Partial<JoinRequest> } = {},
  ): Promise<FakeWorker> {
    const client = clientOf(address);
    const joined = await join(client, tiny, claim).catch((error: unknown) => {
      client.close();
      throw error;
    });
    return new FakeWorker(tiny, client, { joined, behaviour });
  }

  report(report: NonNullable<WorkerReport["report"]>): void {
    this.#session.write({ report });
  }

  /** Ends the session's stream in order. */
  endSession(): void {
    clearInterval(this.#heartbeatTimer);
    this.#session.end();
  }

  /** Breaks every connection without a report, as a killed process does. */
  disconnect(): void {
    clearInterval(this.#heartbeatTimer);
    this.#session.cancel();
    this.client.close();
  }

  close(): void {
    clearInterval(this.#heartbeatTimer);
    this.client.close();
  }

  async #serve(lease: Lease): Promise<void> {
    try {
      if ((await this.#behaviour.onLease?.(lease, this)) === false) return;
      const weights = await this.fetchWeights(lease);
      const honest = madeUpSum(this.#tiny, lease, { weights, sessionId: this.joined.sessionId });
      const answer = await submit(this.client, this.#behaviour.tamper?.(honest, lease) ?? honest);
      this.answers.push({ lease, answer });
    } catch (error) {
      this.refusals.push(fromServiceError(error));
    }
  }

  async fetchWeights(lease: Lease, changes: Partial<Lease> = {}): Promise<Float32Array> {
    const { coordinatorGeneration, step, weightsDigest } = { ...lease, ...changes };
    const { sessionId } = this.joined;
    const stream = this.client.fetchWeights({ sessionId, coordinatorGeneration, step, weightsDigest });
    const weights = new Float32Array(this.#tiny.layout.numElements);
    let assembler: TensorAssembler | null = null;
    for await (const { part } of stream as AsyncIterable<FetchWeightsResponse>) {
      if (part?.$case === "header") {
        assembler = new TensorAssembler(part.value, {
          layoutSha256: this.#tiny.layout.sha256,
          into: float32Bytes(weights),
        });
      } else if (part?.$case === "chunk") assembler?.add(part.value);
    }
    assembler?.finish();
    return weights;
  }
}

export function clientOf(address: string): CoordinatorClient {
  const { target, credentials, options } = connect({ address, log: quiet });
  return new CoordinatorClient(target, credentials, options);
}

export function claimOf({ run, layout, runSpecSha256 }: TinyRun): JoinRequest {
  return {
    protocolVersion: PROTOCOL_VERSION,
    runSpecSha256,
    datasetFingerprint: run.spec.dataset.fingerprint,
    pixelsSha256: "p1",
    numericsJson: `{"backend":"made-up","threads":1}`,
    layoutSha256: layout.sha256,
    wantedSlot: -1,
    instanceId: `instance-${nextInstance++}`,
    computeThreads: 1,
    host: "here",
  };
}
let nextInstance = 1;

/** Joins once. Rejects with the WireError of the answer. */
export function join(
  client: CoordinatorClient,
  tiny: TinyRun,
  changes: Partial<JoinRequest> = {},
): Promise<JoinResponse> {
  return new Promise((resolve, reject) => {
    client.join({ ...claimOf(tiny), ...changes }, (error, response) =>
      error === null ? resolve(response) : reject(fromServiceError(error)),
    );
  });
}

async function submit(client: CoordinatorClient, requests: readonly SubmitSumRequest[]): Promise<SubmitSumResponse> {
  return new Promise((resolve, reject) => {
    const call = client.submitSum((error, response) => (error === null ? resolve(response) : reject(error)));
    const send = async (): Promise<void> => {
      for (const request of requests) if (!call.write(request)) await once(call, "drain");
      call.end();
    };
    send().catch(reject);
  });
}
