import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { describeCallFailure } from "./call-failure.js";
import { checkHealth } from "./health.js";

const quiet = { info: () => {}, warn: () => {} };

test("of a peer that nobody listens at, the system's word is told", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number }; // of a TCP server
  server.close();
  await once(server, "close");
  const failure = await checkHealth({ address: `127.0.0.1:${port}`, timeoutMs: 3_000, log: quiet }).catch(
    (error) => error,
  );
  assert.equal(describeCallFailure(failure), `connect ECONNREFUSED 127.0.0.1:${port}`);
});

test("any other failure is told whole, on one line", () => {
  assert.equal(describeCallFailure(new Error("7 PERMISSION_DENIED:\n  not yours")), "7 PERMISSION_DENIED: not yours");
});
