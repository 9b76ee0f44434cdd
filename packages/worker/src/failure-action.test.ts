import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { WireError, type WireErrorCode, wireErrors } from "@lockstep/protocol";
import { actionFor, isInternal } from "./failure-action.js";

const callFailure = (code: status) => Object.assign(new Error("broken"), { code, metadata: new Metadata() });

describe("the action for a failure", () => {
  it("is defined for every wire error", () => {
    const actions = Object.keys(wireErrors).map((code) => {
      return [code, actionFor(new WireError(code as WireErrorCode, "why")).kind];
    });
    assert.deepEqual(Object.fromEntries(actions), {
      "protocol-version": "fatal",
      "run-spec": "fatal",
      "dataset-fingerprint": "fatal",
      pixels: "fatal",
      numerics: "fatal",
      layout: "fatal",
      role: "fatal",
      "join-token": "fatal",
      "slot-taken": "rejoin",
      "unknown-session": "rejoin",
      "stale-generation": "rejoin",
      "stale-lease": "close-lease",
      "bad-chunk": "fail-lease",
      "not-finite": "close-lease",
      "run-over": "fatal",
      "run-stopping": "rejoin",
      "bad-request": "fatal",
    });
  });

  it("is to join again when the connection broke, for each status code that gRPC gives then", () => {
    for (const code of [status.UNAVAILABLE, status.CANCELLED, status.INTERNAL]) {
      assert.deepEqual(actionFor(callFailure(code)), { kind: "rejoin", reason: "broken" });
    }
    assert.ok(isInternal(callFailure(status.INTERNAL)));
    assert.ok(!isInternal(callFailure(status.UNAVAILABLE)));
  });

  it("is to report the lease as failed when the computation itself failed", () => {
    const unreadable = Object.assign(new Error("loading images"), { code: "EIO" });
    assert.deepEqual(actionFor(unreadable), { kind: "fail-lease", reason: "loading images" });
  });
});
