// Owns getting in: asking until a coordinator answers, whichever process was started first, and telling apart what
// passes with time from what a person must mend.
import { status } from "@grpc/grpc-js";
import { UnfitMachine, UserError } from "@lockstep/errors";
import { type GetRunResponse, type JoinRequest, type JoinResponse, remedyOf, WireError } from "@lockstep/protocol";
import { backoff, describeCallFailure, retry } from "@lockstep/service";
import type { Logger } from "pino";
import type { CoordinatorLink } from "./coordinator-link.js";
import { isInternal } from "./failure-verdict.js";

export interface AdmissionContext {
  readonly link: Pick<CoordinatorLink, "getRun" | "join" | "whyRefused" | "redial">;
  /** For people. */
  readonly address: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Give up when no coordinator has answered for so long; null: never. */
  readonly connectTimeoutMs: number | null;
}

/** An answer INTERNAL may be a connection that broke in mid-call; so many in a row are a bug of the coordinator. */
const maxInternalErrors = 3;
/** About 3 seconds: processes that are started together do not warn of each other. */
const attemptsBeforeWarning = 6;

/**
 * Asks for the run until a coordinator answers.
 * @throws UserError when none answers in time, or what answers is no coordinator; WireError `run-over`; `signal.reason`
 */
export function contact(context: AdmissionContext): Promise<GetRunResponse> {
  return persist(context, () => context.link.getRun(context.signal));
}

/**
 * Joins the run that the request was prepared for.
 * @throws UserError with both values (UnfitMachine for other bits) when the coordinator refuses, or leads another run by now; WireError `run-over`
 */
export function join(
  context: AdmissionContext,
  options: { readonly request: JoinRequest; readonly checkRun: (run: GetRunResponse) => void },
): Promise<JoinResponse> {
  const { link, signal } = context;
  return persist(context, async () => {
    options.checkRun(await link.getRun(signal));
    return link.join(options.request, signal);
  });
}

async function persist<T>(context: AdmissionContext, work: () => Promise<T>): Promise<T> {
  const { address, log, connectTimeoutMs } = context;
  const patience = connectTimeoutMs === null ? null : AbortSignal.timeout(connectTimeoutMs);
  const signal = patience === null ? context.signal : AbortSignal.any([context.signal, patience]);
  let lastReason: string | null = null;
  let internalErrors = 0;
  try {
    return await retry(() => work().catch((error) => refusalBehind(error, { link: context.link, signal })), {
      signal,
      backoff: backoff({ baseMs: 100, maxMs: 2_000, factor: 2, jitter: Math.random }),
      shouldRetry: (error) => mayPass(error) || (isInternal(error) && ++internalErrors < maxInternalErrors),
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
    if (patience?.aborted === true && error === patience.reason) {
      const seconds = (connectTimeoutMs ?? 0) / 1000;
      const why = lastReason === null ? "" : `: ${lastReason}`;
      throw new UserError(`no coordinator answered at ${address} in ${seconds} s (--connect-timeout)${why}`);
    }
    throw explained(error, address);
  }
}

/** A certificate that is not accepted shows as a coordinator that cannot be reached, and no waiting mends it. */
async function refusalBehind(
  error: unknown,
  { link, signal }: Pick<AdmissionContext, "link" | "signal">,
): Promise<never> {
  if (statusOf(error) !== status.UNAVAILABLE || signal.aborted) throw error;
  const reason = await link.whyRefused(signal);
  throw reason === null ? error : new UserError(`cannot join: ${reason}`);
}

function mayPass(error: unknown): boolean {
  return remedyOf(error) !== "none" || statusOf(error) === status.CANCELLED;
}

function explained(error: unknown, address: string): unknown {
  if (error instanceof WireError && error.code !== "run-over") {
    // Of the machine alone: a worker with the same flags may fit elsewhere.
    const isUnfit = error.code === "numerics" || error.code === "pixels";
    return new (isUnfit ? UnfitMachine : UserError)(`the coordinator refused this worker: ${error.message}`);
  }
  if (statusOf(error) === status.UNIMPLEMENTED) {
    return new UserError(`what answers at ${address} is no Lockstep coordinator; check the address (--coordinator)`);
  }
  return error;
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
