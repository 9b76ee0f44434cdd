// Answers workers that connect after the run's end, so that they end, too: `answerLateWorkers`.
import { once } from "node:events";
import { CoordinatorService, toServiceError, WireError } from "@lockstep/protocol";
import { type Health, listen } from "@lockstep/service";
import { type AccessOptions, accessOf } from "./access.js";

export interface LateWorkersOptions extends AccessOptions {
  /** Why the run is over: one line for users. */
  readonly reason: string;
  /** It ends when this number of workers was answered. */
  readonly numWorkers: number;
  /** It ends after this time in any case. */
  readonly lingerMs: number;
  readonly health: Health;
  /** When it is aborted, it ends at once. */
  readonly signal: AbortSignal;
}

/** Time for the last answer to be sent. */
const closeGraceMs = 2000;

/**
 * Serves on the run's address, which must be free. Returns the number of workers that were answered that the run is
 * over.
 */
export async function answerLateWorkers(options: LateWorkersOptions): Promise<number> {
  const { listen: address, reason, numWorkers, lingerMs, health, log, signal } = options;
  if (signal.aborted || numWorkers <= 0) return 0;
  const allNotified = new AbortController();
  const end = AbortSignal.any([signal, allNotified.signal, AbortSignal.timeout(lingerMs)]);
  let numNotified = 0;
  const over = toServiceError(new WireError("run-over", `the run is over: ${reason}`));
  const refuseRunOver = (_call: unknown, answer: (error: typeof over) => void): void => {
    answer(over);
    numNotified += 1;
    log.info({ numNotified }, "answered a late worker that the run is over");
    if (numNotified >= numWorkers) allNotified.abort();
  };
  // A worker with a session of the run joins again after this, and is then answered by `refuseRunOver`.
  const unknownSession = toServiceError(new WireError("unknown-session", "the run is over"));
  const refuseUnary = (_call: unknown, answer: (error: typeof unknownSession) => void): void => answer(unknownSession);
  const refuseStream = (call: { emit(event: "error", error: Error): unknown }): void =>
    void call.emit("error", unknownSession);
  const implementation = {
    ...{ getRun: refuseRunOver, join: refuseRunOver, submitSum: refuseUnary },
    ...{ attend: refuseStream, fetchWeights: refuseStream },
  };
  const services = [{ definition: CoordinatorService, implementation }];
  const listener = await listen({ address, services, health, ...accessOf(options), log });
  const served = "lockstep.v1.Coordinator";
  try {
    health.setServing(served, true);
    log.info({ address: listener.address, numWorkers, lingerMs }, "the run is over; answering late workers");
    if (!end.aborted) await once(end, "abort");
    return numNotified;
  } finally {
    health.setServing(served, false);
    await listener.close({ graceMs: closeGraceMs });
    health.remove(served);
  }
}
