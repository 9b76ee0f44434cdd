// contact() and join() call the coordinator until it answers; it may start later than the worker. They retry transient
// failures, and throw a UserError for a failure that a person must correct.
import { status } from "@grpc/grpc-js";
import { UnfitMachine, UserError } from "@lockstep/errors";
import { type GetRunResponse, type JoinRequest, type JoinResponse, remedyOf, WireError } from "@lockstep/protocol";
import { backoff, describeCallFailure, retry } from "@lockstep/service";
import type { Logger } from "pino";
import type { CoordinatorLink } from "./coordinator-link.js";
import { isInternal } from "./failure-action.js";

export interface AdmissionContext {
  readonly link: Pick<CoordinatorLink, "getRun" | "join" | "whyRefused" | "redial">;
  /** The coordinator's address, for messages. */
  readonly address: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** The worker gives up when no coordinator has answered for this long, milliseconds; null: it never gives up. */
  readonly connectTimeoutMs: number | null;
}

/** INTERNAL may mean that the connection broke during a call; this many failures in one wait mean a bug of the coordinator. */
const maxInternalErrors = 3;
/** About 3 seconds: no warning is logged where the processes are started together. */
const attemptsBeforeWarning = 6;

/**
 * Calls GetRun until a coordinator answers.
 * @throws UserError if no coordinator answers in time, or if another kind of server answers
 * @throws WireError `run-over` if the run is over
 * @throws `signal.reason` if the signal is aborted
 */
export function contact(context: AdmissionContext): Promise<GetRunResponse> {
  return retryUntilAnswered(context, () => context.link.getRun(context.signal));
}

/**
 * Joins the run for which the request was prepared.
 * @throws UserError with both values if the coordinator refuses the worker, or has another run now
 * @throws UnfitMachine if the coordinator refuses the worker because this machine computes other bits
 * @throws WireError `run-over` if the run is over
 */
export function join(
  context: AdmissionContext,
  options: { readonly request: JoinRequest; readonly checkRun: (run: GetRunResponse) => void },
): Promise<JoinResponse> {
  const { link, signal } = context;
  return retryUntilAnswered(context, async () => {
    options.checkRun(await link.getRun(signal));
    return link.join(options.request, signal);
  });
}

async function retryUntilAnswered<T>(context: AdmissionContext, work: () => Promise<T>): Promise<T> {
  const { address, log, connectTimeoutMs } = context;
  const connectTimeout = connectTimeoutMs === null ? null : AbortSignal.timeout(connectTimeoutMs);
  const signal = connectTimeout === null ? context.signal : AbortSignal.any([context.signal, connectTimeout]);
  let lastReason: string | null = null;
  let internalErrors = 0;
  try {
    return await retry(() => work().catch((error) => throwRefusalOr(error, { link: context.link, signal })), {
      signal,
      backoff: backoff({ baseMs: 100, maxMs: 2_000, factor: 2, jitter: Math.random }),
      shouldRetry: (error) => isTransient(error) || (isInternal(error) && ++internalErrors < maxInternalErrors),
      onRetry: ({ error, failedAttempts }) => {
        if (statusOf(error) === status.DEADLINE_EXCEEDED) context.link.redial();
        const reason = describeCallFailure(error);
        if (reason !== lastReason) log.info({ address, reason }, "waiting for the coordinator");
        if (failedAttempts === attemptsBeforeWarning)
          log.warn({ address, reason }, "still waiting for the coordinator");
        lastReason = reason;
      },
    });
  } catch (error) {
    if (connectTimeout?.aborted === true && error === connectTimeout.reason) {
      const seconds = (connectTimeoutMs ?? 0) / 1000;
      const why = lastReason === null ? "" : `: ${lastReason}`;
      throw new UserError(`no coordinator answered at ${address} in ${seconds} s (--connect-timeout)${why}`);
    }
    throw toUserError(error, address);
  }
}

/**
 * gRPC reports a refused certificate as UNAVAILABLE, and waiting does not help then.
 * @throws UserError if a certificate was refused; else `error`
 */
async function throwRefusalOr(
  error: unknown,
  { link, signal }: Pick<AdmissionContext, "link" | "signal">,
): Promise<never> {
  if (statusOf(error) !== status.UNAVAILABLE || signal.aborted) throw error;
  const reason = await link.whyRefused(signal);
  throw reason === null ? error : new UserError(`cannot join: ${reason}`);
}

function isTransient(error: unknown): boolean {
  return remedyOf(error) !== "none" || statusOf(error) === status.CANCELLED;
}

function toUserError(error: unknown, address: string): unknown {
  if (error instanceof WireError && error.code !== "run-over") {
    // These two depend on the machine alone: a worker with the same flags may be accepted on another machine.
    const isUnfit = error.code === "numerics" || error.code === "pixels";
    return new (isUnfit ? UnfitMachine : UserError)(`the coordinator refused this worker: ${error.message}`);
  }
  if (statusOf(error) === status.UNIMPLEMENTED) {
    return new UserError(`the server at ${address} is not a Lockstep coordinator; check the address (--coordinator)`);
  }
  return error;
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
