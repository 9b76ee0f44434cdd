// Defines the errors that the coordinator sends to its clients (`WireError`), one code each in one table (`wireErrors`), and
// translates them into gRPC errors and back. The trailer `lockstep-error` contains the code.
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";

/** What a client can do about a wire error. */
export type Remedy =
  /** Nothing: a person has to change something, or the work is not needed any more. */
  | "none"
  /** Make the same call again later. */
  | "retry"
  /** Join again, then go on. */
  | "rejoin";

interface WireErrorEntry {
  readonly status: status;
  readonly meaning: string;
  readonly remedy: Remedy;
}

const table = {
  "protocol-version": {
    status: status.FAILED_PRECONDITION,
    meaning: "the peers have different protocol versions",
    remedy: "none",
  },
  "run-spec": {
    status: status.FAILED_PRECONDITION,
    meaning: "the worker is prepared for another run spec",
    remedy: "none",
  },
  "dataset-fingerprint": {
    status: status.FAILED_PRECONDITION,
    meaning: "the worker has another data set",
    remedy: "none",
  },
  pixels: { status: status.FAILED_PRECONDITION, meaning: "the decoded images differ", remedy: "none" },
  numerics: {
    status: status.FAILED_PRECONDITION,
    meaning: "the worker would not compute the same bits",
    remedy: "none",
  },
  layout: { status: status.FAILED_PRECONDITION, meaning: "the model's tensors differ", remedy: "none" },
  "slot-taken": { status: status.ALREADY_EXISTS, meaning: "another worker is in the requested slot", remedy: "retry" },
  "unknown-session": {
    status: status.NOT_FOUND,
    meaning: "there is no such session, or it has ended",
    remedy: "rejoin",
  },
  "stale-generation": {
    status: status.ABORTED,
    meaning: "the call is for another generation of the coordinator",
    remedy: "rejoin",
  },
  "stale-lease": { status: status.ABORTED, meaning: "the lease is over; its result is not needed", remedy: "none" },
  "bad-chunk": { status: status.DATA_LOSS, meaning: "tensor bytes were damaged in transit", remedy: "retry" },
  "not-finite": {
    status: status.INVALID_ARGUMENT,
    meaning: "a contribution contains a NaN or an infinity",
    remedy: "none",
  },
  "run-over": { status: status.FAILED_PRECONDITION, meaning: "the run has ended for good", remedy: "none" },
  "run-stopping": {
    status: status.UNAVAILABLE,
    meaning: "the coordinator is stopping; a later one may resume the run",
    remedy: "retry",
  },
  role: {
    status: status.PERMISSION_DENIED,
    meaning: "the role in the caller's certificate may not make this call",
    remedy: "none",
  },
  "join-token": { status: status.UNAUTHENTICATED, meaning: "the join token is missing or wrong", remedy: "none" },
  "bad-request": { status: status.INVALID_ARGUMENT, meaning: "the message violates the contract", remedy: "none" },
} as const satisfies Record<string, WireErrorEntry>;

export type WireErrorCode = keyof typeof table;

/** All wire errors by their codes. */
export const wireErrors: Readonly<Record<WireErrorCode, WireErrorEntry>> = table;

/** Name of the trailer that contains the code. */
export const wireErrorTrailer = "lockstep-error";

/** An error that is sent to the peer with a code. Its message is one line for people. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get remedy(): Remedy {
    return wireErrors[this.code].remedy;
  }
}

/** The gRPC error for a server's callback or `stream.destroy`. Any error but a WireError is a bug, and is sent as INTERNAL. */
export function toServiceError(error: unknown): ServiceError {
  const metadata = new Metadata();
  if (error instanceof WireError) {
    metadata.set(wireErrorTrailer, error.code);
    return serviceError({ code: wireErrors[error.code].status, details: error.message, metadata, cause: error });
  }
  const details = error instanceof Error ? error.message : String(error);
  return serviceError({ code: status.INTERNAL, details, metadata, cause: error });
}

/** For a client: the WireError that the server threw. Any other error, for example a lost connection, is returned unchanged. */
export function fromServiceError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!isServiceError(error)) return error;
  const [code] = error.metadata.get(wireErrorTrailer);
  return isWireErrorCode(code) ? new WireError(code, error.details, { cause: error }) : error;
}

/**
 * What a client can do about a failed call: for a WireError what the table has; "retry" when the peer could not be reached or
 * the connection broke; "none" for everything else.
 */
export function remedyOf(error: unknown): Remedy {
  const known = fromServiceError(error);
  if (known instanceof WireError) return known.remedy;
  if (!isServiceError(known)) return "none";
  return known.code === status.UNAVAILABLE || known.code === status.DEADLINE_EXCEEDED ? "retry" : "none";
}

function serviceError(fields: { code: status; details: string; metadata: Metadata; cause: unknown }): ServiceError {
  const { cause, ...rest } = fields;
  return Object.assign(new Error(rest.details, { cause }), rest);
}

function isServiceError(error: Error): error is ServiceError {
  return "metadata" in error && error.metadata instanceof Metadata && "code" in error && "details" in error;
}

function isWireErrorCode(code: unknown): code is WireErrorCode {
  return typeof code === "string" && Object.hasOwn(wireErrors, code);
}
