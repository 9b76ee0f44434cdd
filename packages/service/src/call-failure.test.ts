import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { describeCallFailure } from "./call-failure.js";
import { checkHealth } from "./health.js";

const quiet = { info: () => {}, warn: () => {} };

test("a call to a port where nobody listens is described by the system's error", async () => {
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

test("a call to a peer that accepts the connection and sends nothing is described by how long it was waited for", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number }; // of a TCP server
  const failure = await checkHealth({ address: `127.0.0.1:${port}`, timeoutMs: 200, log: quiet }).catch(
    (error) => error,
  );
  for (const socket of sockets) socket.destroy();
  server.close();
  assert.match(describeCallFailure(failure), /^no answer in 0.2 s$/);
});

test("finding out why a connection was refused takes no longer than the call may take", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    if (sockets.push(socket) === 1) socket.destroy(); // the call fails at once; the knock hears nothing
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number }; // of a TCP server
  const startMs = performance.now();
  await assert.rejects(checkHealth({ address: `127.0.0.1:${port}`, timeoutMs: 300, log: quiet }), /UNAVAILABLE/);
  assert.ok(sockets.length > 1, "it did not knock");
  assert.ok(performance.now() - startMs < 2_000);
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("a connection that has no error yet is not reported as null", () => {
  const failure = new Error("14 UNAVAILABLE: No connection established. Last error: null. Resolution note: ");
  assert.equal(describeCallFailure(failure), "no connection yet");
});

test("any other failure is described in full, on one line", () => {
  assert.equal(describeCallFailure(new Error("7 PERMISSION_DENIED:\n  not yours")), "7 PERMISSION_DENIED: not yours");
});
