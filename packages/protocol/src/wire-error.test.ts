import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { credentials, Metadata, Server, ServerCredentials, type ServiceError, status } from "@grpc/grpc-js";
import { CoordinatorClient, type CoordinatorServer, CoordinatorService } from "./gen/lockstep/v1/coordinator.js";
import { fromServiceError, remedyOf, toServiceError, WireError, type WireErrorCode, wireErrors } from "./wire-error.js";

const codes = Object.keys(wireErrors) as WireErrorCode[];

describe("the wire error table", () => {
  it("has the codes of the contract", () => {
    assert.deepEqual(codes.toSorted(), [
      "bad-chunk",
      "bad-request",
      "dataset-fingerprint",
      "join-token",
      "layout",
      "not-finite",
      "numerics",
      "pixels",
      "protocol-version",
      "role",
      "run-over",
      "run-spec",
      "run-stopping",
      "slot-taken",
      "stale-generation",
      "stale-lease",
      "unknown-session",
    ]);
  });

  it("has FAILED_PRECONDITION and no remedy for every mismatch in Join", () => {
    for (const code of [
      "protocol-version",
      "run-spec",
      "dataset-fingerprint",
      "pixels",
      "numerics",
      "layout",
    ] as const) {
      assert.equal(wireErrors[code].status, status.FAILED_PRECONDITION);
      assert.equal(wireErrors[code].remedy, "none");
    }
  });

  it("has no code with status OK", () => {
    for (const code of codes) assert.notEqual(wireErrors[code].status, status.OK);
  });
});

describe("a wire error", () => {
  for (const code of codes) {
    it(`${code} is the same error after toServiceError and fromServiceError`, () => {
      const sent = toServiceError(new WireError(code, "spec abc: expected def"));
      assert.equal(sent.code, wireErrors[code].status);
      const received = fromServiceError(sent);
      assert(received instanceof WireError);
      assert.equal(received.code, code);
      assert.equal(received.message, "spec abc: expected def");
      assert.equal(remedyOf(sent), wireErrors[code].remedy);
    });
  }

  it("keeps its code and its message over a real connection, also letters outside ASCII", async () => {
    const implementation: Partial<CoordinatorServer> = {
      getRun: (_call, answer) =>
        answer(toServiceError(new WireError("numerics", "größer: AVX2, expected AVX-512 → refused"))),
    };
    const server = new Server();
    server.addService(CoordinatorService, implementation as CoordinatorServer);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    const client = new CoordinatorClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
    });
    try {
      const failure = await new Promise<ServiceError | null>((resolve) =>
        client.getRun({ protocolVersion: 1 }, (error) => resolve(error)),
      );
      const received = fromServiceError(failure);
      assert(received instanceof WireError);
      assert.equal(received.code, "numerics");
      assert.equal(received.message, "größer: AVX2, expected AVX-512 → refused");
    } finally {
      client.close();
      server.forceShutdown();
    }
  });
});

describe("an error that is not a wire error", () => {
  it("is sent as INTERNAL, without a wire error's code", () => {
    const sent = toServiceError(new TypeError("x is undefined"));
    assert.equal(sent.code, status.INTERNAL);
    assert.equal(sent.details, "x is undefined");
    assert.equal(fromServiceError(sent), sent);
    assert.equal(remedyOf(sent), "none");
  });

  it("stays unchanged when its trailer has a code that is not in the table", () => {
    const sent = toServiceError(new WireError("layout", "x"));
    sent.metadata = new Metadata();
    sent.metadata.set("lockstep-error", "toString");
    assert.equal(fromServiceError(sent), sent);
  });

  it("has the remedy `retry` when the peer could not be reached", () => {
    const lost = Object.assign(new Error("14 UNAVAILABLE"), {
      code: status.UNAVAILABLE,
      details: "",
      metadata: new Metadata(),
    });
    assert.equal(remedyOf(lost), "retry");
    assert.equal(remedyOf({ ...lost }), "none");
    assert.equal(remedyOf(new Error("a bug")), "none");
  });
});
