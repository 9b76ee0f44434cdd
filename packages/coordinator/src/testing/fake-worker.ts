// Owns a worker for tests that speaks the real protocol and makes its gradients up: a function of the weights, the
// step and the micro-batch, summed over the fixed tree. A test tells it how to behave through `behaviour`.
import { once } from "node:events";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { addInto, TreeSum } from "@lockstep/numerics";
import {
  CoordinatorClient,
  contributionHeader,
  encodeTensorChunks,
  type FetchWeightsResponse,
  float32Bytes,
  fromServiceError,
  type Instruction,
  type JoinRequest,
  type JoinResponse,
  type Lease,
  Pass,
  PROTOCOL_VERSION,
  type SubmitSumRequest,
  type SubmitSumResponse,
  TensorAssembler,
  type WorkerReport,
} from "@lockstep/protocol";
import { connect } from "@lockstep/service";
import type { TinyRun } from "./prepared-folder.js";

const quiet = { info: () => {}, warn: () => {} };

export interface Behaviour {
  /** Before a lease is computed; false: leave it alone. */
  readonly onLease?: (lease: Lease, worker: FakeWorker) => boolean | Promise<boolean>;
  /** Changes the requests of an upload. */
  readonly tamper?: (requests: SubmitSumRequest[], lease: Lease) => SubmitSumRequest[];
  readonly heartbeatEveryMs?: number;
}

export class FakeWorker {
  readonly answers: { readonly lease: Lease; readonly answer: SubmitSumResponse }[] = [];
  readonly refusals: Error[] = [];
  /** Resolves with what the coordinator said at the end, or null when the session ended otherwise. */
  readonly finished: Promise<{ completed: boolean; reason: string } | null>;
  readonly joined: JoinResponse;
  readonly client: CoordinatorClient;
  readonly #tiny: TinyRun;
  readonly #session: ClientDuplexStream<WorkerReport, Instruction>;
  readonly #behaviour: Behaviour;
  readonly #heart: NodeJS.Timeout;

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
    this.#heart = setInterval(() => {
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
    void this.finished.then(() => clearInterval(this.#heart));
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

  /** Closes its side in order. */
  endSession(): void {
    clearInterval(this.#heart);
    this.#session.end();
  }

  /** As a killed process: every connection breaks, nothing is said. */
  vanish(): void {
    clearInterval(this.#heart);
    this.#session.cancel();
    this.client.close();
  }

  close(): void {
    clearInterval(this.#heart);
    this.client.close();
  }

  async #serve(lease: Lease): Promise<void> {
    try {
      if ((await this.#behaviour.onLease?.(lease, this)) === false) return;
      const weights = await this.fetchWeights(lease);
      const honest = this.#requests(lease, weights);
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

  #requests(lease: Lease, weights: Float32Array): SubmitSumRequest[] {
    const { firstMicroBatch: first, count, numMicroBatches, pass } = lease;
    const train = pass === Pass.TRAIN;
    const { run, layout } = this.#tiny;
    const { globalBatch, microBatch, dataset } = run.spec;
    const stepsPerEpoch = Math.ceil(dataset.samples.train / globalBatch);
    const passSamples = train
      ? Math.min(globalBatch, dataset.samples.train - (lease.step % stepsPerEpoch) * globalBatch)
      : dataset.samples.val;
    const sum = new TreeSum<{ values: Float32Array; sums: Float64Array }>(
      numMicroBatches,
      (into, from) => {
        addInto(into.values, from.values);
        addInto(into.sums, from.sums);
      },
      { first, count },
    );
    const proofs = [];
    for (let index = first; index < first + count; index++) {
      const numSamples = Math.min(microBatch, passSamples - index * microBatch);
      sum.add({ first: index, count: 1 }, madeUp(weights, { seed: 31 * lease.step + index, numSamples }));
      proofs.push({ microBatch: index, digest: `d${index}`, finite: true, numSamples });
    }
    const { values, sums } = sum.root() ?? madeUp(weights, { seed: 0, numSamples: 0 });
    const header: SubmitSumRequest = {
      part: {
        $case: "header",
        value: {
          sessionId: this.joined.sessionId,
          leaseId: lease.leaseId,
          coordinatorGeneration: lease.coordinatorGeneration,
          pass,
          step: lease.step,
          weightsDigest: lease.weightsDigest,
          firstMicroBatch: first,
          count,
          proofs,
          sums: [...sums],
          tensors: train ? contributionHeader(layout) : undefined,
          phaseSeconds: {
            fetchWeights: 0.001,
            load: 0.002,
            compute: 0.003,
            forward: 0.001,
            backward: 0.002,
            sum: 0.004,
          },
        },
      },
    };
    if (!train) return [header];
    const chunks = [...encodeTensorChunks(float32Bytes(values))];
    return [header, ...chunks.map((value): SubmitSumRequest => ({ part: { $case: "chunk", value } }))];
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

/** Rejects with the WireError. */
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

/** Gradients, statistics times samples, and metric sums of one micro-batch: wrong for training, right for comparing. */
function madeUp(
  weights: Float32Array,
  { seed, numSamples }: { readonly seed: number; readonly numSamples: number },
): { values: Float32Array; sums: Float64Array } {
  const values = weights.map((weight, index) => Math.fround(weight * 0.37 + ((seed * 7 + index * 3) % 11) / 10 - 0.5));
  const loss = values.reduce((sum, value) => sum + Math.abs(value), 0) / 100;
  return { values, sums: Float64Array.of(loss, (seed + numSamples) % (numSamples + 1), numSamples) };
}
