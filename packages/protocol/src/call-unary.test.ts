import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { type ClientUnaryCall, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { callUnary } from "./call-unary.js";
import { toServiceError, WireError } from "./wire-error.js";

type Callback = (error: ServiceError | null, response: string) => void;

/** Starts a call that the test answers. When it is cancelled, it fails as a call of grpc-js does. */
function callOf(signal: AbortSignal) {
  let answer: Callback = () => assert.fail("not started");
  let deadline = 0;
  const promise = callUnary<string>(
    (_metadata, options, callback) => {
      answer = callback;
      deadline = options.deadline;
      const cancelled = { code: status.CANCELLED, details: "Cancelled on client", metadata: new Metadata() };
      const cancel = (): void => callback(Object.assign(new Error("1 CANCELLED"), cancelled), "");
      return Object.assign(new EventEmitter(), { cancel }) as unknown as ClientUnaryCall; // only cancel is called
    },
    { timeoutMs: 10_000, signal },
  );
  return { promise, answer: (...result: Parameters<Callback>) => answer(...result), deadline: () => deadline };
}

describe("callUnary", () => {
  const open = (): AbortSignal => new AbortController().signal;

  it("resolves with the answer, and passes the deadline on", async () => {
    const call = callOf(open());
    call.answer(null, "yes");
    assert.equal(await call.promise, "yes");
    assert(Math.abs(call.deadline() - Date.now() - 10_000) < 5_000);
  });

  it("rejects with the WireError that the server threw", async () => {
    const call = callOf(open());
    call.answer(toServiceError(new WireError("bad-chunk", "too short")), "");
    await assert.rejects(call.promise, (error) => error instanceof WireError && error.code === "bad-chunk");
  });

  it("rejects with the signal's reason when it is aborted before the call or during it", async () => {
    const reason = new Error("stop");
    await assert.rejects(callOf(AbortSignal.abort(reason)).promise, reason);
    const controller = new AbortController();
    const call = callOf(controller.signal);
    controller.abort(reason);
    await assert.rejects(call.promise, reason);
  });
});
