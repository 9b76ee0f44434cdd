import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { WireError, type WireErrorCode, wireErrors } from "@lockstep/protocol";
import { isInternal, judgeFailure } from "./failure-verdict.js";

const callFailure = (code: status) => Object.assign(new Error("broken"), { code, metadata: new Metadata() });

describe("a failure's verdict", () => {
  it("is given for every wire error", () => {
    const verdicts = Object.keys(wireErrors).map((code) => {
      return [code, judgeFailure(new WireError(code as WireErrorCode, "why")).kind];
    });
    assert.deepEqual(Object.fromEntries(verdicts), {
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
      "stale-lease": "forget",
      "bad-chunk": "fail-lease",
      "not-finite": "forget",
      "run-over": "fatal",
      "run-stopping": "rejoin",
      "bad-request": "fatal",
    });
  });

  it("is to join again when the connection broke, in whatever way it shows", () => {
    for (const code of [status.UNAVAILABLE, status.CANCELLED, status.INTERNAL]) {
      assert.deepEqual(judgeFailure(callFailure(code)), { kind: "rejoin", reason: "broken" });
    }
    assert.ok(isInternal(callFailure(status.INTERNAL)));
    assert.ok(!isInternal(callFailure(status.UNAVAILABLE)));
  });

  it("is to give the lease up when the computation itself failed", () => {
    const unreadable = Object.assign(new Error("loading images"), { code: "EIO" });
    assert.deepEqual(judgeFailure(unreadable), { kind: "fail-lease", reason: "loading images" });
  });
});
