// Calls methods of a coordinator with given certificates and token, for tests of refusals: `TestCaller`.
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { ControlClient, CoordinatorClient, PROTOCOL_VERSION, sendJoinToken, TelemetryClient } from "@lockstep/protocol";
import { connect, type Role } from "@lockstep/service";
import { quiet } from "./running-coordinator.js";

export interface CallerOptions {
  readonly address: string;
  readonly tls?: { readonly folder: string; readonly role: Role };
  /** Null: no token is sent. */
  readonly token: string | null;
}

/** Each method resolves with the first answer and rejects with the gRPC error. */
export class TestCaller {
  readonly #coordinator: CoordinatorClient;
  readonly #telemetry: TelemetryClient;
  readonly #control: ControlClient;

  constructor({ address, tls, token }: CallerOptions) {
    const interceptors = sendJoinToken(token === null ? null : { current: () => token });
    const { target, credentials, options } = connect({ address, tls, interceptors, log: quiet });
    this.#coordinator = new CoordinatorClient(target, credentials, options);
    this.#telemetry = new TelemetryClient(target, credentials, options);
    this.#control = new ControlClient(target, credentials, options);
  }

  getRun(): Promise<unknown> {
    return called((done) => this.#coordinator.getRun({ protocolVersion: PROTOCOL_VERSION }, done));
  }

  /** Uploads a chunk without a session. */
  submitSum(): Promise<unknown> {
    return called((done) => {
      const call = this.#coordinator.submitSum(new Metadata(), done);
      call.on("error", () => {}); // the callback receives the error, too
      call.write({ part: { $case: "chunk", value: { offsetBytes: 0, data: Buffer.alloc(1024 * 1024), crc32c: 0 } } });
    });
  }

  getStatus(): Promise<unknown> {
    return called((done) => this.#telemetry.getStatus({}, done));
  }

  subscribe(): Promise<unknown> {
    return called((done) => {
      const call = this.#telemetry.subscribe({});
      call.on("error", (error: ServiceError) => done(error, null));
      call.once("data", (event) => {
        done(null, event);
        call.cancel();
      });
    });
  }

  stop(reason: string): Promise<unknown> {
    return called((done) => this.#control.stop({ reason }, done));
  }

  close(): void {
    for (const client of [this.#coordinator, this.#telemetry, this.#control]) client.close();
  }
}

function called(start: (done: (error: ServiceError | null, answer: unknown) => void) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    start((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}
