import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { UserError } from "@lockstep/errors";
import { GetRunResponse } from "@lockstep/protocol";
import { pino } from "pino";
import { type AdmissionContext, contact } from "./admission.js";

describe("admission", () => {
  /** The peer accepts connections and never answers: the TLS check lasts until its signal is aborted. */
  const contactSilentPeer = (context: Pick<AdmissionContext, "signal" | "connectTimeoutMs">) => {
    const unavailable = Object.assign(new Error("14 UNAVAILABLE"), { code: status.UNAVAILABLE });
    const link: AdmissionContext["link"] = {
      getRun: () => Promise.reject(unavailable),
      join: () => Promise.reject(unavailable),
      redial: () => {},
      whyRefused: (signal) =>
        new Promise((resolve) => {
          const socket = setInterval(() => {}, 60_000); // keeps the process alive, as a real socket does
          signal.addEventListener("abort", () => {
            clearInterval(socket);
            resolve(null);
          });
        }),
    };
    return contact({ link, address: "here:1", log: pino({ level: "silent" }), ...context });
  };

  it("--connect-timeout ends a TLS check under way", async () => {
    await assert.rejects(
      contactSilentPeer({ signal: new AbortController().signal, connectTimeoutMs: 50 }),
      (error) => error instanceof UserError && /no coordinator answered at here:1 in 0.05 s/.test(error.message),
    );
  });

  it("a stop ends a TLS check under way", async () => {
    const stop = new AbortController();
    const outcome = contactSilentPeer({ signal: stop.signal, connectTimeoutMs: null });
    setImmediate(() => stop.abort(new Error("SIGTERM")));
    await assert.rejects(outcome, /SIGTERM/);
  });

  it("a call that got no connection before its deadline is repeated on a new channel, and a refused call on the same channel", async () => {
    const calls: string[] = [];
    await contact(contextOf([status.DEADLINE_EXCEEDED, status.UNAVAILABLE], calls));
    assert.deepEqual(calls, ["getRun", "redial", "getRun", "getRun"]);
  });
});

/** The first calls fail with these gRPC status codes; later calls are answered. */
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
      join: () => assert.fail("join() was called"),
      whyRefused: async () => null,
      redial: () => void calls.push("redial"),
    },
    address: "coordinator:50051",
    log: pino({ level: "silent" }),
    signal: new AbortController().signal,
    connectTimeoutMs: null,
  };
}
