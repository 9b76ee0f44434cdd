// `RemoteCoordinator` calls a coordinator for `lockstep status` and `lockstep stop`. A failure is a UserError of one line.
import { status } from "@grpc/grpc-js";
import { describeError, type Log, printable, UserError } from "@lockstep/errors";
import {
  ControlClient,
  callUnary,
  type Event,
  fromServiceError,
  type GetStatusResponse,
  remedyOf,
  type StartUnaryCall,
  sendJoinToken,
  TelemetryClient,
  WireError,
} from "@lockstep/protocol";
import { type Connection, connect, findJoinToken, tlsAs } from "@lockstep/service";

/** A coordinator that takes a call but does not answer it in this time counts as not answering. */
const defaultAnswerTimeoutMs = 10_000;

export interface RemoteOptions {
  readonly address: string;
  /** A folder with an operator's certificate. */
  readonly tls?: string | undefined;
  /** Default: `join-token` in the folder of certificates, where it is there. */
  readonly joinTokenFile?: string | undefined;
  readonly insecure?: boolean | undefined;
  /** Default 10 s. */
  readonly answerTimeoutMs?: number;
  /** When aborted, calls end without an answer. */
  readonly signal?: AbortSignal;
  readonly log: Log;
}

export class RemoteCoordinator {
  readonly #address: string;
  readonly #answerTimeoutMs: number;
  readonly #signal: AbortSignal;
  readonly #connection: Connection;
  readonly #telemetry: TelemetryClient;
  readonly #control: ControlClient;

  /** Opens nothing before the first call. @throws UserError as `connect` and `findJoinToken` do */
  constructor(options: RemoteOptions) {
    const { address, tls: folder, joinTokenFile: file, insecure, log } = options;
    this.#address = address;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? defaultAnswerTimeoutMs;
    this.#signal = options.signal ?? new AbortController().signal;
    const tls = tlsAs("operator", folder);
    const interceptors = sendJoinToken(findJoinToken({ file, tlsFolder: folder }));
    this.#connection = connect({ address, tls, insecure, interceptors, log });
    const { target, credentials, options: channelOptions } = this.#connection;
    this.#telemetry = new TelemetryClient(target, credentials, channelOptions);
    this.#control = new ControlClient(target, credentials, channelOptions);
  }

  /** @throws UserError if the coordinator cannot be reached or refuses the caller */
  status(): Promise<GetStatusResponse> {
    return this.#ask((...call) => this.#telemetry.getStatus({}, ...call));
  }

  /** Resolves when the coordinator has the request; it ends after the current step. @throws UserError as `status` does */
  async stop(reason: string): Promise<void> {
    await this.#ask((...call) => this.#control.stop({ reason }, ...call));
  }

  /**
   * Yields events until the coordinator ends the stream or is gone.
   * @throws UserError as `status` does, or if the first event, which the coordinator sends at once, does not come in time
   */
  async *events(): AsyncGenerator<Event> {
    const signal = this.#signal;
    const stream = this.#telemetry.subscribe({});
    const cancel = (): void => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    let isSilent = false;
    const giveUp = setTimeout(() => {
      isSilent = true;
      cancel();
    }, this.#answerTimeoutMs);
    try {
      for await (const event of stream) {
        clearTimeout(giveUp);
        yield event as Event; // the stream is of the method's response type
      }
    } catch (error) {
      if (isSilent && !signal.aborted) {
        const seconds = this.#answerTimeoutMs / 1000;
        throw new UserError(
          `--coordinator ${this.#address}: does not answer in ${seconds} s; is its process suspended?`,
        );
      }
      if (remedyOf(error) !== "retry" && !signal.aborted) throw await this.#complaint(error);
    } finally {
      clearTimeout(giveUp);
      signal.removeEventListener("abort", cancel);
      cancel();
    }
  }

  close(): void {
    this.#telemetry.close();
    this.#control.close();
  }

  async #ask<T>(start: StartUnaryCall<T>): Promise<T> {
    try {
      return await callUnary(start, { timeoutMs: this.#answerTimeoutMs, signal: this.#signal });
    } catch (error) {
      throw await this.#complaint(error);
    }
  }

  async #complaint(error: unknown): Promise<UserError> {
    const known = fromServiceError(error);
    const isUnavailable = "code" in known && known.code === status.UNAVAILABLE;
    const refused = isUnavailable ? await this.#connection.whyRefused(this.#signal) : null;
    if (refused !== null) return new UserError(refused);
    const words =
      remedyOf(known) === "retry"
        ? "no coordinator answers; check that it runs and that the address is right"
        : // The cause of a WireError is the same in gRPC's words.
          printable(known instanceof WireError ? known.message : describeError(known));
    return new UserError(`--coordinator ${this.#address}: ${words}`);
  }
}
