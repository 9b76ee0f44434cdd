// Answers workers that come after the run's end, so that they end too: `answerLateWorkers`.
import { once } from "node:events";
import { CoordinatorService, toServiceError, WireError } from "@lockstep/protocol";
import { type Health, listen } from "@lockstep/service";
import { type AccessOptions, accessOf } from "./access.js";

export interface LateWorkersOptions extends AccessOptions {
  /** Why nothing is left to compute: one line, for people. */
  readonly reason: string;
  /** It ends once so many workers were told. */
  readonly numWorkers: number;
  /** It ends after so long in any case. */
  readonly lingerMs: number;
  readonly health: Health;
  /** Aborted: it ends at once. */
  readonly signal: AbortSignal;
}

/** How long the last answer may take to leave. */
const closeGraceMs = 2000;

/** Returns the number of workers that were told that the run is over. It serves on the run's address, which must be free. */
export async function answerLateWorkers(options: LateWorkersOptions): Promise<number> {
  const { listen: address, reason, numWorkers, lingerMs, health, log, signal } = options;
  if (signal.aborted || numWorkers <= 0) return 0;
  const allNotified = new AbortController();
  const end = AbortSignal.any([signal, allNotified.signal, AbortSignal.timeout(lingerMs)]);
  let numNotified = 0;
  const over = toServiceError(new WireError("run-over", `the run is over: ${reason}`));
  const tell = (_call: unknown, answer: (error: typeof over) => void): void => {
    answer(over);
    numNotified += 1;
    log.info({ numNotified }, "told a late worker that the run is over");
    if (numNotified >= numWorkers) allNotified.abort();
  };
  // A session of the run's time is joined anew; the answer to that is `tell`.
  const forget = toServiceError(new WireError("unknown-session", "the run is over"));
  const refuseUnary = (_call: unknown, answer: (error: typeof forget) => void): void => answer(forget);
  const refuseStream = (call: { emit(event: "error", error: Error): unknown }): void => void call.emit("error", forget);
  const implementation = {
    ...{ getRun: tell, join: tell, submitSum: refuseUnary },
    ...{ attend: refuseStream, fetchWeights: refuseStream },
  };
  const services = [{ definition: CoordinatorService, implementation }];
  const listener = await listen({ address, services, health, ...accessOf(options), log });
  const served = "lockstep.v1.Coordinator";
  try {
    health.setServing(served, true);
    log.info({ address: listener.address, numWorkers, lingerMs }, "the run is over; answering workers that come late");
    if (!end.aborted) await once(end, "abort");
    return numNotified;
  } finally {
    health.setServing(served, false);
    await listener.close({ graceMs: closeGraceMs });
    health.remove(served);
  }
}
