// Owns the errors that travel: one code each, one table, and how a code crosses gRPC (the trailer `lockstep-error`).
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";

/** What a caller may do about a wire error. */
export type Remedy =
  /** Nothing by itself: a person has to change something, or the work is moot. */
  | "none"
  /** The same call, later. */
  | "retry"
  /** Join anew, then go on. */
  | "rejoin";

interface WireErrorEntry {
  readonly status: status;
  readonly meaning: string;
  readonly remedy: Remedy;
}

const table = {
  "protocol-version": {
    status: status.FAILED_PRECONDITION,
    meaning: "the peers speak different versions",
    remedy: "none",
  },
  "run-spec": { status: status.FAILED_PRECONDITION, meaning: "prepared for another run spec", remedy: "none" },
  "dataset-fingerprint": { status: status.FAILED_PRECONDITION, meaning: "another data set", remedy: "none" },
  pixels: { status: status.FAILED_PRECONDITION, meaning: "the decoded images differ", remedy: "none" },
  numerics: { status: status.FAILED_PRECONDITION, meaning: "would not compute the same bits", remedy: "none" },
  layout: { status: status.FAILED_PRECONDITION, meaning: "the model's tensors differ", remedy: "none" },
  "slot-taken": { status: status.ALREADY_EXISTS, meaning: "the wanted slot has a live worker", remedy: "retry" },
  "unknown-session": { status: status.NOT_FOUND, meaning: "no such session, or it was given up", remedy: "rejoin" },
  "stale-generation": {
    status: status.ABORTED,
    meaning: "meant for another life of the coordinator",
    remedy: "rejoin",
  },
  "stale-lease": { status: status.ABORTED, meaning: "the lease is over; its work is not wanted", remedy: "none" },
  "bad-chunk": { status: status.DATA_LOSS, meaning: "tensor bytes were damaged on the way", remedy: "retry" },
  "not-finite": {
    status: status.INVALID_ARGUMENT,
    meaning: "a contribution holds a NaN or an infinity",
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
    meaning: "the caller's certificate is for a role that may not call this",
    remedy: "none",
  },
  "join-token": { status: status.UNAUTHENTICATED, meaning: "the join token is missing or wrong", remedy: "none" },
  "bad-request": { status: status.INVALID_ARGUMENT, meaning: "a message that breaks the contract", remedy: "none" },
} as const satisfies Record<string, WireErrorEntry>;

export type WireErrorCode = keyof typeof table;

/** The one table of wire errors. */
export const wireErrors: Readonly<Record<WireErrorCode, WireErrorEntry>> = table;

/** Name of the trailer that carries the code. */
export const wireErrorTrailer = "lockstep-error";

/** An error that the other side is to understand; its message is one line for people. */
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

/** For a server's callback or `stream.destroy`. What is not a WireError is our bug: it travels as INTERNAL. */
export function toServiceError(error: unknown): ServiceError {
  const metadata = new Metadata();
  if (error instanceof WireError) {
    metadata.set(wireErrorTrailer, error.code);
    return serviceError({ code: wireErrors[error.code].status, details: error.message, metadata, cause: error });
  }
  const details = error instanceof Error ? error.message : String(error);
  return serviceError({ code: status.INTERNAL, details, metadata, cause: error });
}

/** For a client: the WireError that the server threw; any other failure (a lost connection, say) as it is. */
export function fromServiceError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!isServiceError(error)) return error;
  const [code] = error.metadata.get(wireErrorTrailer);
  return isWireErrorCode(code) ? new WireError(code, error.details, { cause: error }) : error;
}

/**
 * What a client may do about a failed call: the table's word for a WireError; "retry" when the peer could not be
 * reached or the connection broke; "none" for everything else.
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
