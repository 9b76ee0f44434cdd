import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { UserError } from "@lockstep/errors";
import { GetRunResponse } from "@lockstep/protocol";
import { pino } from "pino";
import { type AdmissionContext, contact } from "./admission.js";

describe("admission", () => {
  /** At a peer that takes connections and says nothing: the knock lasts until it is told to end. */
  const knocking = (context: Pick<AdmissionContext, "signal" | "connectTimeoutMs">) => {
    const unavailable = Object.assign(new Error("14 UNAVAILABLE"), { code: status.UNAVAILABLE });
    const link: AdmissionContext["link"] = {
      getRun: () => Promise.reject(unavailable),
      join: () => Promise.reject(unavailable),
      redial: () => {},
      whyRefused: (signal) =>
        new Promise((resolve) => {
          const socket = setInterval(() => {}, 60_000); // holds the process as one would
          signal.addEventListener("abort", () => {
            clearInterval(socket);
            resolve(null);
          });
        }),
    };
    return contact({ link, address: "here:1", log: pino({ level: "silent" }), ...context });
  };

  it("--connect-timeout ends a knock under way", async () => {
    await assert.rejects(
      knocking({ signal: new AbortController().signal, connectTimeoutMs: 50 }),
      (error) => error instanceof UserError && /no coordinator answered at here:1 in 0.05 s/.test(error.message),
    );
  });

  it("a stop ends a knock under way", async () => {
    const stop = new AbortController();
    const outcome = knocking({ signal: stop.signal, connectTimeoutMs: null });
    setImmediate(() => stop.abort(new Error("SIGTERM")));
    await assert.rejects(outcome, /SIGTERM/);
  });

  it("a call that found no connection in its time is made again on a new channel, a refused one on the same", async () => {
    const calls: string[] = [];
    await contact(contextOf([status.DEADLINE_EXCEEDED, status.UNAVAILABLE], calls));
    assert.deepEqual(calls, ["getRun", "redial", "getRun", "getRun"]);
  });
});

/** Answers with these failures first, by gRPC's number. */
function contextOf(failures: number[], calls: string[]): AdmissionContext {
  return {
    link: {
      async getRun() {
        calls.push("getRun");
        const code = failures.shift();
        if (code !== undefined)
          throw Object.assign(new Error("no answer"), { code, details: "no answer", metadata: new Metadata() });
        return GetRunResponse.fromPartial({});
      },
      join: () => assert.fail("nobody joins here"),
      whyRefused: async () => null,
      redial: () => void calls.push("redial"),
    },
    address: "coordinator:50051",
    log: pino({ level: "silent" }),
    signal: new AbortController().signal,
    connectTimeoutMs: null,
  };
}
