import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { type MetricsServerOptions, serveMetrics } from "./metrics-server.js";

const options: MetricsServerOptions = {
  listen: "127.0.0.1:0",
  metrics: async (format) => `as ${format}\n`,
  health: () => ({ coordinatorSeen: false, reason: "no connection" }),
  log: { info: () => {}, warn: () => {} },
};

test("it serves metrics in the requested format, health as JSON, and 404 for anything else", async () => {
  const server = await serveMetrics(options);
  try {
    const get = (path: string, init?: RequestInit) => fetch(`http://${server.address}${path}`, init);
    const plain = await get("/metrics");
    assert.equal(plain.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(await plain.text(), "as text\n");
    const open = await get("/metrics?x=1", { headers: { Accept: "application/openmetrics-text; version=1.0.0" } });
    assert.equal(open.headers.get("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert.equal(await open.text(), "as openMetrics\n");
    const head = await get("/metrics", { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    const health = await get("/healthz");
    assert.equal(health.status, 200);
    assert.deepEqual(await health.json(), { coordinatorSeen: false, reason: "no connection" });
    assert.equal((await get("/")).status, 404);
    assert.equal((await get("/metrics/")).status, 404);
    assert.equal((await get("/metrics", { method: "POST" })).status, 404);
  } finally {
    await server.close();
  }
});

test("metrics that cannot be made are an error of this server, and the next request is answered", async () => {
  let failures = 0;
  const metrics = async (): Promise<string> => {
    if (failures++ === 0) throw new Error("no");
    return "now\n";
  };
  const server = await serveMetrics({ ...options, metrics });
  try {
    assert.equal((await fetch(`http://${server.address}/metrics`)).status, 500);
    assert.equal(await (await fetch(`http://${server.address}/metrics`)).text(), "now\n");
  } finally {
    await server.close();
  }
});

test("a port that is taken, and an address that is none, are named with what to do", async () => {
  const server = await serveMetrics(options);
  try {
    await assert.rejects(serveMetrics({ ...options, listen: server.address }), (error) => {
      assert.ok(error instanceof UserError);
      const taken = `cannot listen on ${server.address}: another process listens there; stop it, or choose another port (--listen)`;
      assert.equal(error.message, taken);
      return true;
    });
  } finally {
    await server.close();
  }
  await assert.rejects(serveMetrics({ ...options, listen: "unix:/tmp/x.sock" }), /must be host:port/);
});
