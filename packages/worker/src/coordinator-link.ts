// CoordinatorLink makes the calls to the coordinator, as promises and streams with backpressure. A call fails with a
// WireError that the coordinator threw, or with gRPC's own error (see fromServiceError).
import { once } from "node:events";
import type { ServiceError } from "@grpc/grpc-js";
import {
  CoordinatorClient,
  callUnary,
  encodeTensorChunks,
  type FetchWeightsRequest,
  type FetchWeightsResponse,
  fromServiceError,
  type GetRunResponse,
  type Instruction,
  type JoinRequest,
  type JoinResponse,
  PROTOCOL_VERSION,
  type SubmitSumResponse,
  type SumHeader,
  TensorAssembler,
  WireError,
  type WorkerReport,
  xxh3Digest,
} from "@lockstep/protocol";
import type { Connection } from "@lockstep/service";

/** The deadline of a unary call. */
const unaryTimeoutMs = 10_000;

export interface SessionStream {
  send(report: NonNullable<WorkerReport["report"]>): void;
  /** Resolves when the stream is over: to null if the coordinator closed it normally, else to the error. */
  readonly ended: Promise<Error | null>;
  /** Closes the worker's side of the stream, after the reports that were sent. The coordinator then closes its side. */
  end(): void;
  /** Cancels the call: reports that are not sent yet are lost. */
  cancel(): void;
}

export class CoordinatorLink {
  #client: CoordinatorClient;
  readonly #connection: Connection;

  /** Connects at the first call. */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#client = newClient(connection);
  }

  /**
   * Opens a new channel at the next call; only allowed between calls. grpc-js waits minutes for a connection attempt,
   * as long as the operating system does, and resolves the host's address again only after it. A coordinator whose
   * container or pod was restarted at another address would not be found during that time.
   */
  redial(): void {
    this.#client.close();
    this.#client = newClient(this.#connection);
  }

  /** See `whyRefused` of Connection. */
  whyRefused(signal: AbortSignal): Promise<string | null> {
    return this.#connection.whyRefused(signal);
  }

  getRun(signal: AbortSignal): Promise<GetRunResponse> {
    const request = { protocolVersion: PROTOCOL_VERSION };
    return callUnary((...call) => this.#client.getRun(request, ...call), { timeoutMs: unaryTimeoutMs, signal });
  }

  join(request: JoinRequest, signal: AbortSignal): Promise<JoinResponse> {
    return callUnary((...call) => this.#client.join(request, ...call), { timeoutMs: unaryTimeoutMs, signal });
  }

  /** Opens the session's stream. `onInstruction` gets each message of the coordinator. */
  attend(sessionId: string, onInstruction: (instruction: Instruction) => void): SessionStream {
    const call = this.#client.attend();
    let isOpen = true;
    const ended = new Promise<Error | null>((resolve) => {
      call.on("data", onInstruction);
      call.on("end", () => resolve(null));
      call.on("error", (error) => resolve(fromServiceError(error)));
    }).finally(() => {
      isOpen = false;
    });
    const send = (report: NonNullable<WorkerReport["report"]>): void => {
      if (isOpen) call.write({ report });
    };
    send({ $case: "opened", value: { sessionId } });
    const end = (): void => {
      if (isOpen) call.end();
      isOpen = false;
    };
    return { send, ended, end, cancel: () => call.cancel() };
  }

  /**
   * Fills `into` with the flat weights and checks them against the request's digest.
   * @throws WireError `bad-chunk` if the received bytes are incomplete, damaged or have another digest
   * @throws `signal.reason` if the signal is aborted
   */
  async fetchWeights(
    request: FetchWeightsRequest,
    options: { readonly layoutSha256: string; readonly into: Uint8Array; readonly signal: AbortSignal },
  ): Promise<void> {
    const { layoutSha256, into, signal } = options;
    signal.throwIfAborted();
    const call = this.#client.fetchWeights(request);
    const onAbort = () => call.cancel();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        let assembler: TensorAssembler | null = null;
        let isRefused = false;
        call.on("data", ({ part }: FetchWeightsResponse) => {
          if (isRefused) return; // the promise is rejected, and `into` may have another owner
          try {
            if (part?.$case === "header" && assembler === null) {
              assembler = new TensorAssembler(part.value, { layoutSha256, into });
            } else if (part?.$case === "chunk" && assembler !== null) {
              assembler.add(part.value);
            } else throw new WireError("bad-chunk", `weights: ${part?.$case ?? "an empty message"} out of order`);
          } catch (error) {
            isRefused = true;
            call.cancel();
            reject(error);
          }
        });
        call.on("error", (error) => reject(signal.aborted ? signal.reason : fromServiceError(error)));
        call.on("end", () => {
          try {
            if (assembler === null) throw new WireError("bad-chunk", "weights: ended without a header");
            assembler.finish();
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      });
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    const digest = xxh3Digest(into);
    if (digest !== request.weightsDigest) {
      throw new WireError("bad-chunk", `weights have digest ${digest}, the lease names ${request.weightsDigest}`);
    }
  }

  /**
   * Sends the sum of a lease.
   * @param options.tensors must not change before the promise has settled; null for a validation lease
   * @param options.onUnderway awaited once, after the header and the first chunk
   * @throws `signal.reason` if the signal is aborted
   */
  async submitSum(
    header: SumHeader,
    options: {
      readonly tensors: Uint8Array | null;
      readonly onUnderway: () => Promise<void>;
      readonly signal: AbortSignal;
    },
  ): Promise<SubmitSumResponse> {
    const { tensors, onUnderway, signal } = options;
    signal.throwIfAborted();
    let isAnswered = false;
    let onAbort = (): void => {};
    const { call, answer } = this.#openSubmit(() => {
      isAnswered = true;
      signal.removeEventListener("abort", onAbort);
    });
    onAbort = () => call.cancel();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      call.write({ part: { $case: "header", value: header } });
      let isFirst = true;
      for (const chunk of tensors === null ? [] : encodeTensorChunks(tensors)) {
        if (isAnswered) break; // the coordinator refused the header
        const hasRoom = call.write({ part: { $case: "chunk", value: chunk } });
        if (isFirst) await onUnderway();
        isFirst = false;
        if (!hasRoom) await Promise.race([once(call, "drain"), answer.catch(() => {})]);
      }
      if (isFirst) await onUnderway();
      if (!isAnswered) call.end();
      return await answer;
    } catch (error) {
      if (!isAnswered) call.cancel();
      throw signal.aborted ? signal.reason : error;
    }
  }

  close(): void {
    this.#client.close();
  }

  #openSubmit(onAnswer: () => void) {
    let resolve: (response: SubmitSumResponse) => void = () => {};
    let reject: (error: Error) => void = () => {};
    const answer = new Promise<SubmitSumResponse>((onResponse, onError) => {
      resolve = onResponse;
      reject = onError;
    });
    answer.catch(() => {}); // awaited at the end of submitSum
    const call = this.#client.submitSum((error: ServiceError | null, response) => {
      onAnswer();
      if (error === null) resolve(response);
      else reject(fromServiceError(error));
    });
    call.on("error", () => {}); // the callback gets the error too
    return { call, answer };
  }
}

function newClient({ target, credentials, options }: Connection): CoordinatorClient {
  return new CoordinatorClient(target, credentials, options);
}
