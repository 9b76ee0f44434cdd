import assert from "node:assert/strict";
import { once } from "node:events";
import { chown, lstat, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  Client,
  type MethodDefinition,
  type ServiceError,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { UserError } from "@lockstep/errors";
import { healthServerOptions, maxHealthConnections, serverOptions } from "./channel-options.js";
import { connect } from "./connect.js";
import { checkHealth, createHealth, type Health, healthDefinition } from "./health.js";
import { type Listener, type ListenOptions, listen, listenForHealth } from "./listen.js";
import { receiveWindowBytes } from "./server-connections.js";
import { maxSocketPathBytes } from "./socket-path.js";
import { runSource } from "./testing/child-process.js";
import { callEcho, echo, echoDefinition } from "./testing/echo.js";
import { createRecordingLog } from "./testing/recording-log.js";

const log = createRecordingLog();
const timeoutMs = 5_000;

describe("listen and connect", () => {
  let dir = "";
  const open: Listener[] = [];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "lockstep-listen-"));
  });
  after(async () => {
    await Promise.all(open.map((listener) => listener.close({ graceMs: 0 })));
    await rm(dir, { recursive: true });
  });
  const serve = async (options: Partial<ListenOptions> & { address: string }): Promise<Listener> => {
    const listener = await listen({ services: [], health: createHealth(), log, ...options });
    open.push(listener);
    return listener;
  };
  const listenFor = async (address: string) => {
    const listener = await serve({ address });
    return { address: listener.address, close: () => listener.close({ graceMs: 50 }) };
  };

  it("lets a peer send megabytes before they are read", async () => {
    const { address } = await serve({ address: "127.0.0.1:0" });
    const session = connectHttp2(`http://${address}`);
    try {
      // Once for the settings that a session opens with, once for those that the server widens.
      while (session.remoteSettings.initialWindowSize !== receiveWindowBytes) {
        await once(session, "remoteSettings", { signal: AbortSignal.timeout(timeoutMs) });
      }
      // The connection's own window was widened right after: an answered ping comes behind that.
      await new Promise((resolve) => session.ping(resolve));
      assert.equal(session.state.remoteWindowSize, receiveWindowBytes);
      assert.equal(session.remoteSettings.maxConcurrentStreams, serverOptions["grpc.max_concurrent_streams"]);
    } finally {
      session.destroy();
    }
  });

  it("closes although a peer is suspended", async () => {
    const { address, close } = await listenFor("127.0.0.1:0");
    // A peer that opens a session and then neither reads nor writes, as a stopped process does.
    const [host = "", port = ""] = address.split(":");
    const frozen = connectSocket(Number(port), host);
    await once(frozen, "connect");
    frozen.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    await once(frozen, "readable");
    frozen.pause();
    try {
      await Promise.race([
        close(),
        once(AbortSignal.timeout(timeoutMs), "abort").then(() => assert.fail("still open")),
      ]);
    } finally {
      frozen.destroy();
    }
  });

  for (const kind of ["a unix socket", "a free port of IPv4", "a free port by name"]) {
    it(`carries a chunk of 1 MiB there and back over ${kind}`, async () => {
      const asked =
        kind === "a unix socket"
          ? `unix:${join(dir, "echo.sock")}`
          : kind.endsWith("name")
            ? "localhost:0"
            : "127.0.0.1:0";
      const listener = await serve({
        address: asked,
        services: [{ definition: echoDefinition, implementation: { echo } }],
      });
      assert.doesNotMatch(listener.address, /:0$/);
      const { target, credentials, options } = connect({ address: listener.address, log });
      const client = new Client(target, credentials, options);
      const bytes = Buffer.alloc(1024 * 1024, 5);
      assert.deepEqual(await callEcho(client, bytes), bytes);
      client.close();
    });
  }

  it("refuses a message beyond its limit instead of growing without bound", async () => {
    const listener = await serve({
      address: "127.0.0.1:0",
      services: [{ definition: echoDefinition, implementation: { echo } }],
    });
    const { target, credentials, options } = connect({ address: listener.address, log });
    const client = new Client(target, credentials, options);
    await assert.rejects(callEcho(client, Buffer.alloc(5 * 1024 * 1024)), /RESOURCE_EXHAUSTED/);
    client.close();
  });

  it("makes the socket for its owner alone, leaves nothing else, and removes it at the end", async () => {
    const path = join(dir, "own.sock");
    const listener = await serve({ address: `unix:${path}` });
    const socket = await lstat(path);
    assert(socket.isSocket());
    assert.equal(socket.mode & 0o777, 0o600);
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name.startsWith(".l")),
      [],
    );
    await listener.close({ graceMs: 0 });
    await assert.rejects(lstat(path), { code: "ENOENT" });
  });

  it("takes the place of a socket that a killed process left", async () => {
    const address = `unix:${join(dir, "stale.sock")}`;
    const child = runSource(
      `const { listen, createHealth, createLogger } = await import(process.argv[1]);
       await listen({ address: ${JSON.stringify(address)}, services: [], health: createHealth(), log: createLogger({ name: "x" }) });
       console.log("listening");`,
      { channel: false },
    );
    assert.equal(await child.line(), "listening");
    await assert.rejects(serve({ address }), /another process listens there/);
    child.process.kill("SIGKILL");
    await child.ended();
    assert((await lstat(join(dir, "stale.sock"))).isSocket());

    const listener = await serve({ address });
    assert(log.lines.includes("warn removing the socket that a dead process left"));
    assert.equal(await checkHealth({ address: listener.address, timeoutMs, log }), "NOT_SERVING");
  });

  it("refuses a path that is short enough while the one at which the socket is made is not, and leaves nothing", async () => {
    const folder = join(dir, "d".repeat(maxSocketPathBytes - dir.length - "//x.sock".length));
    await mkdir(folder);
    const path = join(folder, "x.sock");
    assert.equal(Buffer.byteLength(path), maxSocketPathBytes);
    await assert.rejects(
      serve({ address: `unix:${path}` }),
      (error) =>
        error instanceof UserError && /its path there has \d+ bytes, the system allows 10\d/.test(error.message),
    );
    assert.deepEqual(await readdir(folder), []);
  });

  it("makes the socket again that a cleaner has removed, with its folder", async () => {
    const own = createRecordingLog();
    const folder = join(dir, "cleaned");
    await mkdir(folder);
    const path = join(folder, "c.sock");
    const listener = await serve({ address: `unix:${path}`, log: own, socketCheckMs: 10 });
    for (const removed of [path, folder]) {
      await rm(removed, { recursive: true });
      const numRestored = own.lines.length;
      while (own.lines.length === numRestored) await pause(5);
      assert.equal((await lstat(path)).mode & 0o777, 0o600);
      assert.equal(await checkHealth({ address: listener.address, timeoutMs, log }), "NOT_SERVING");
    }
    assert.equal(
      own.lines.filter((line) => line.startsWith("warn the socket was removed, and has been made again")).length,
      2,
    );
    await listener.close({ graceMs: 0 });
    assert.deepEqual(await readdir(folder), []);
  });

  it("makes no socket in a folder that another user has put in its place", {
    skip: process.getuid?.() === 0 ? false : "only root may give a folder away",
  }, async () => {
    const own = createRecordingLog();
    const folder = join(dir, "taken");
    await mkdir(folder);
    const listener = await serve({ address: `unix:${join(folder, "c.sock")}`, log: own, socketCheckMs: 10 });
    await chown(folder, 12_345, 12_345);
    await rm(join(folder, "c.sock"));
    while (own.lines.length === 0) await pause(5);
    await pause(50);
    assert.deepEqual(own.lines, [
      "warn the socket was removed, and cannot be made again yet: nobody can connect; trying again",
    ]);
    assert.deepEqual(await readdir(folder), []);
    await listener.close({ graceMs: 0 });
  });

  it("refuses to replace a file that is no socket", async () => {
    const path = join(dir, "precious.txt");
    await writeFile(path, "precious");
    await assert.rejects(serve({ address: `unix:${path}` }), /a file that is no socket is in the way/);
  });

  it("refuses a socket in a folder that is not there as a user's mistake", async () => {
    await assert.rejects(serve({ address: `unix:${join(dir, "nowhere/c.sock")}` }), UserError);
  });

  it("refuses a port that is taken in one line that names it and its flag, and grpc-js prints nothing besides", async (t) => {
    const { address } = await serve({ address: "127.0.0.1:0" });
    const printed = t.mock.method(console, "error", () => {});
    const problem = `cannot listen on ${address}: another process listens there; stop it, or choose another port`;
    await assert.rejects(serve({ address }), new UserError(`${problem} (--listen)`));
    const health = createHealth();
    await assert.rejects(listenForHealth({ address, health, log }), new UserError(`${problem} (--health-listen)`));
    assert.equal(printed.mock.callCount(), 0);
  });

  it("refuses plain text beyond this machine, at both ends", async () => {
    await assert.rejects(
      serve({ address: "0.0.0.0:0" }),
      /listening on 0.0.0.0:0 without encryption: refused beyond this machine/,
    );
    assert.throws(
      () => connect({ address: "10.1.2.3:7000", log }),
      /connecting to 10.1.2.3:7000 without encryption: refused/,
    );
  });

  it("allows plain text beyond this machine where the user asked for it, with a warning", async () => {
    const own = createRecordingLog();
    await serve({ address: "0.0.0.0:0", insecure: true, log: own });
    connect({ address: "10.1.2.3:7000", insecure: true, log: own });
    assert.deepEqual(own.lines, [
      "warn listening on 0.0.0.0:0 without encryption: anyone on the network can read and change the run",
      "warn connecting to 10.1.2.3:7000 without encryption: anyone on the network can read and change the run",
    ]);
  });

  it("ends a call that does not end by itself within the grace", async () => {
    let called = (): void => {};
    const underWay = new Promise<void>((resolve) => {
      called = resolve;
    });
    const listener = await serve({
      address: "127.0.0.1:0",
      services: [{ definition: echoDefinition, implementation: { echo: () => called() } }],
    });
    const { target, credentials, options } = connect({ address: listener.address, log });
    const client = new Client(target, credentials, options);
    const answer = assert.rejects(callEcho(client, Buffer.alloc(1)), /UNAVAILABLE|CANCELLED/);
    await underWay;
    await listener.close({ graceMs: 1 });
    await answer;
    client.close();
  });

  it("lets an open call end within the grace", async () => {
    let finish = (): void => {};
    let called = (): void => {};
    const underWay = new Promise<void>((resolve) => {
      called = resolve;
    });
    const slow: UntypedHandleCall = (_call: unknown, answer: sendUnaryData<Buffer>) => {
      finish = () => answer(null, Buffer.from("done"));
      called();
    };
    const listener = await serve({
      address: "127.0.0.1:0",
      services: [{ definition: echoDefinition, implementation: { echo: slow } }],
    });
    const { target, credentials, options } = connect({ address: listener.address, log });
    const client = new Client(target, credentials, options);
    const answer = callEcho(client, Buffer.alloc(1));
    await underWay;
    const closing = listener.close({ graceMs: 60_000 });
    finish();
    assert.equal(String(await answer), "done");
    client.close();
    await closing;
  });
});

describe("health", () => {
  let listener: Listener;
  let health: Health;
  before(async () => {
    health = createHealth();
    listener = await listen({ address: "127.0.0.1:0", services: [], health, log });
  });
  after(() => listener.close({ graceMs: 0 }));
  const ask = (service?: string) =>
    checkHealth({ address: listener.address, timeoutMs, log, ...(service === undefined ? {} : { service }) });

  it("does not serve before anything was set", async () => {
    assert.equal(await ask(), "NOT_SERVING");
    assert.equal(await ask("lockstep.v1.Coordinator"), "UNKNOWN");
  });

  it("serves as a whole when every service does", async () => {
    health.setServing("a", true);
    health.setServing("b", false);
    assert.deepEqual(await Promise.all([ask("a"), ask("b"), ask()]), ["SERVING", "NOT_SERVING", "NOT_SERVING"]);
    health.setServing("b", true);
    assert.deepEqual(await Promise.all([ask("b"), ask()]), ["SERVING", "SERVING"]);
  });

  it("keeps no name that a peer watches, and accepts no long name on the port for probes", async () => {
    const port = await listenForHealth({ address: "127.0.0.1:0", health, log });
    try {
      assert.equal((await watch(listener.address, "x".repeat(1024 * 1024))).code, status.NOT_FOUND);
      assert.equal((await watch(port.address, "x")).code, status.NOT_FOUND);
      assert.equal((await watch(port.address, "x".repeat(2048))).code, status.RESOURCE_EXHAUSTED);
      const question = { address: port.address, service: "x".repeat(2048), timeoutMs, log };
      await assert.rejects(checkHealth(question), { code: status.RESOURCE_EXHAUSTED });
    } finally {
      await port.close({ graceMs: 0 });
    }
  });

  it("reports no probe that closes as grpc-go does, and one line for each kind of other protocol", async () => {
    const own = createRecordingLog();
    const port = await listenForHealth({ address: "127.0.0.1:0", health, log: own });
    const [host = "", number = ""] = port.address.split(":");
    const send = async (...parts: readonly Buffer[]): Promise<void> => {
      const socket = connectSocket(Number(number), host).on("error", () => {});
      const closed = new Promise((resolve) => socket.once("close", resolve));
      const answered = new Promise((resolve) => socket.once("data", resolve));
      socket.write(parts[0] ?? "");
      await Promise.race([answered, closed]);
      for (const part of parts.slice(1)) socket.write(part);
      if (parts.length === 1) socket.destroy();
      await closed;
    };
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");
    // POST /grpc.health.v1.Health/Check as stream 1, its empty request, and a GOAWAY without an error that names stream 1.
    const headers = Buffer.from(
      "\x83\x86\x44\x1c/grpc.health.v1.Health/Check\x41\x01a\x5f\x10application/grpc",
      "latin1",
    );
    const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer =>
      Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]);
    const call = Buffer.concat([frame(1, 4, 1, headers), frame(0, 1, 1, Buffer.alloc(5))]);
    const goAway = frame(7, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]));
    try {
      await send(preface, call, goAway);
      await send(preface);
      assert.deepEqual(own.lines, []);
      await send(preface, goAway);
      assert.deepEqual(own.lines.splice(0), ["info a connection broke before its first call: Protocol error"]);
      for (const other of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".repeat(9)]) {
        await send(Buffer.from(other, "latin1"), Buffer.alloc(0));
      }
      assert.deepEqual(own.lines, [
        "info refused a connection: its first bytes are not HTTP/2; is it HTTP/1, or TLS on a port without TLS (--tls)?",
      ]);
    } finally {
      await port.close({ graceMs: 0 });
    }
  });

  it("bounds the calls and connections of the port for probes", async () => {
    const port = await listenForHealth({ address: "127.0.0.1:0", health, log });
    const [host = "", number = ""] = port.address.split(":");
    const session = connectHttp2(`http://${port.address}`);
    const sockets: Socket[] = [];
    try {
      await once(session, "remoteSettings", { signal: AbortSignal.timeout(timeoutMs) });
      assert.equal(session.remoteSettings.maxConcurrentStreams, healthServerOptions["grpc.max_concurrent_streams"]);
      for (let index = 1; index < maxHealthConnections; index++) {
        const socket = connectSocket(Number(number), host);
        sockets.push(socket);
        await once(socket, "data"); // it is in: the server has spoken
      }
      const oneTooMany = connectSocket(Number(number), host);
      sockets.push(oneTooMany);
      oneTooMany.on("data", () => assert.fail("let in"));
      await once(oneTooMany, "close", { signal: AbortSignal.timeout(timeoutMs) });
    } finally {
      for (const socket of sockets) socket.destroy();
      session.destroy();
      await port.close({ graceMs: 0 });
    }
  });

  it("rejects when nobody answers in time", async () => {
    await assert.rejects(checkHealth({ address: "unix:/nowhere/c.sock", timeoutMs: 50, log }));
  });
});

/** How a Watch of that name ends. */
async function watch(address: string, service: string): Promise<ServiceError> {
  const { target, credentials, options } = connect({ address, log });
  const client = new Client(target, credentials, options);
  const { Watch } = healthDefinition;
  const { path, requestSerialize, responseDeserialize } = Watch as MethodDefinition<object, object>;
  try {
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
    call.on("data", () => call.emit("error", new Error("it was answered")));
    const [error] = await once(call, "error", { signal: AbortSignal.timeout(timeoutMs) });
    return error;
  } finally {
    client.close();
  }
}
