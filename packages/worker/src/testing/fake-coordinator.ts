// For tests: FakeCoordinator is a coordinator on a unix socket that does only what a test calls. It checks the encoding
// of messages and nothing else.
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from "@grpc/grpc-js";
import {
  CoordinatorService,
  canonicalJson,
  canonicalSha256,
  contributionHeader,
  encodeTensorChunks,
  type FetchWeightsRequest,
  type FetchWeightsResponse,
  float32Bytes,
  type GetRunRequest,
  type GetRunResponse,
  type Instruction,
  type JoinRequest,
  type JoinResponse,
  type Lease,
  Pass,
  PROTOCOL_VERSION,
  type RunSpec,
  type SubmitSumRequest,
  type SubmitSumResponse,
  type SumHeader,
  TensorAssembler,
  type TensorLayout,
  toServiceError,
  WireError,
  type WorkerReport,
  xxh3Digest,
} from "@lockstep/protocol";
import { type Listener, listen } from "@lockstep/service";
import { EventQueue } from "./event-queue.js";

type Report = NonNullable<WorkerReport["report"]>;

export interface FakeSession {
  readonly sessionId: string;
  readonly reports: EventQueue<Report>;
  /** Resolves when the worker has closed its side, or the stream broke. */
  readonly closed: Promise<void>;
  send(instruction: NonNullable<Instruction["instruction"]>): void;
  /** Ends the stream. */
  end(): void;
}

export interface Submission {
  readonly header: SumHeader;
  /** Empty for a validation lease. */
  readonly tensors: Float32Array;
}

export interface FakeRun {
  readonly spec: RunSpec;
  readonly layout: TensorLayout;
  readonly weights: Float32Array;
}

export class FakeCoordinator {
  readonly sessions = new EventQueue<FakeSession>();
  readonly submissions = new EventQueue<Submission>();
  /** The step of each answered call of FetchWeights. */
  readonly fetched = new EventQueue<number>();
  readonly joins: JoinRequest[] = [];
  readonly heartbeatIntervalMs = 20;
  readonly weightsDigest: string;
  numFetches = 0;
  /** If set, Join is refused with this error. */
  refusal: WireError | null = null;
  /** If set, GetRun is refused with this error. */
  runRefusal: WireError | null = null;
  /** The weights of this many fetches are sent with a wrong checksum. */
  damagedFetches = 0;
  answerSum: (header: SumHeader) => SubmitSumResponse = () => ({ accepted: true, reason: "" });
  readonly #run: FakeRun;
  readonly #generation: number;
  readonly #address: string;
  #listener: Listener | null = null;
  #nextLease = 1;

  constructor(run: FakeRun, options: { readonly address: string; readonly generation: number }) {
    this.#run = run;
    this.#address = options.address;
    this.#generation = options.generation;
    this.weightsDigest = xxh3Digest(float32Bytes(run.weights));
  }

  async start(): Promise<void> {
    this.#listener = await listen({
      address: this.#address,
      log: { info() {}, warn() {} },
      services: [
        {
          definition: CoordinatorService,
          implementation: {
            getRun: (call: ServerUnaryCall<GetRunRequest, GetRunResponse>, answer: sendUnaryData<GetRunResponse>) =>
              this.#getRun(call, answer),
            join: (call: ServerUnaryCall<JoinRequest, JoinResponse>, answer: sendUnaryData<JoinResponse>) =>
              this.#join(call, answer),
            attend: (call: ServerDuplexStream<WorkerReport, Instruction>) => this.#attend(call),
            fetchWeights: (call: ServerWritableStream<FetchWeightsRequest, FetchWeightsResponse>) => this.#fetch(call),
            submitSum: (
              call: ServerReadableStream<SubmitSumRequest, SubmitSumResponse>,
              answer: sendUnaryData<SubmitSumResponse>,
            ) => this.#submit(call, answer),
          },
        },
      ],
    });
  }

  /** Breaks all connections, as when the process is killed. */
  async stop(): Promise<void> {
    await this.#listener?.close({ graceMs: 0 });
  }

  /** Sends a lease, by default for step 0, and returns it. */
  lease(
    session: FakeSession,
    fields: Pick<Lease, "firstMicroBatch" | "count" | "numMicroBatches"> & Partial<Lease>,
  ): Lease {
    const lease: Lease = {
      leaseId: this.#nextLease++,
      coordinatorGeneration: this.#generation,
      pass: Pass.TRAIN,
      epoch: 0,
      step: 0,
      weightsDigest: this.weightsDigest,
      ...fields,
    };
    session.send({ $case: "lease", value: lease });
    return lease;
  }

  #getRun(_call: ServerUnaryCall<GetRunRequest, GetRunResponse>, answer: sendUnaryData<GetRunResponse>): void {
    const { spec } = this.#run;
    if (this.runRefusal !== null) {
      answer(toServiceError(this.runRefusal));
      return;
    }
    answer(null, {
      protocolVersion: PROTOCOL_VERSION,
      runSpecJson: canonicalJson(spec),
      runSpecSha256: canonicalSha256(spec),
      coordinatorGeneration: this.#generation,
    });
  }

  #join({ request }: ServerUnaryCall<JoinRequest, JoinResponse>, answer: sendUnaryData<JoinResponse>): void {
    this.joins.push(request);
    if (this.refusal !== null) {
      answer(toServiceError(this.refusal));
      return;
    }
    answer(null, {
      sessionId: `session-${this.#generation}-${this.joins.length}`,
      slot: Math.max(0, request.wantedSlot),
      generation: this.#generation, // so a fault of generation 1 is not injected after a restart
      coordinatorGeneration: this.#generation,
      heartbeatIntervalMs: this.heartbeatIntervalMs,
      heartbeatTimeoutMs: 60_000,
    });
  }

  #attend(call: ServerDuplexStream<WorkerReport, Instruction>): void {
    const reports = new EventQueue<Report>();
    const closed = new Promise<void>((resolve) => {
      call.on("end", () => {
        call.end();
        resolve();
      });
      call.on("error", () => resolve());
      call.on("cancelled", () => resolve());
    });
    const send = (instruction: NonNullable<Instruction["instruction"]>) => call.write({ instruction });
    call.on("data", ({ report }: WorkerReport) => {
      if (report?.$case === "opened") {
        this.sessions.push({ sessionId: report.value.sessionId, reports, closed, send, end: () => call.end() });
      } else if (report !== undefined) {
        if (report.$case === "heartbeat") send({ $case: "heartbeatAck", value: { sequence: report.value.sequence } });
        reports.push(report);
      }
    });
  }

  #fetch(call: ServerWritableStream<FetchWeightsRequest, FetchWeightsResponse>): void {
    const { layout, weights } = this.#run;
    this.numFetches += 1;
    const isDamaged = this.damagedFetches > 0;
    if (isDamaged) this.damagedFetches -= 1;
    call.write({ part: { $case: "header", value: contributionHeader(layout) } });
    for (const chunk of encodeTensorChunks(float32Bytes(weights))) {
      const value = isDamaged ? { ...chunk, crc32c: (chunk.crc32c ^ 1) >>> 0 } : chunk;
      call.write({ part: { $case: "chunk", value } });
    }
    call.end();
    this.fetched.push(call.request.step);
  }

  #submit(
    call: ServerReadableStream<SubmitSumRequest, SubmitSumResponse>,
    answer: sendUnaryData<SubmitSumResponse>,
  ): void {
    const { layout } = this.#run;
    let header: SumHeader | null = null;
    let assembler: TensorAssembler | null = null;
    let tensors = new Float32Array(0);
    call.on("data", ({ part }: SubmitSumRequest) => {
      if (part?.$case === "header") {
        header = part.value;
        if (header.tensors === undefined) return;
        tensors = new Float32Array(layout.numElements);
        assembler = new TensorAssembler(header.tensors, { layoutSha256: layout.sha256, into: float32Bytes(tensors) });
      } else if (part?.$case === "chunk") assembler?.add(part.value);
    });
    call.on("end", () => {
      if (header === null) {
        answer(toServiceError(new WireError("bad-request", "the sum has no header")));
        return;
      }
      assembler?.finish();
      this.submissions.push({ header, tensors });
      answer(null, this.answerSum(header));
    });
    call.on("error", () => {}); // the worker cancelled the upload
  }
}
