// Mutual TLS on real connections: who is let in, what each side says of a refusal, and what a change of the files changes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, cp, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { Client } from "@grpc/grpc-js";
import { type Address, formatAddress, parseAddress } from "../address.js";
import type { KeyedCertificate } from "../certificates/authority.js";
import { initCertificates } from "../certificates/certificates-folder.js";
import { clientOptions } from "../channel-options.js";
import { connect } from "../connect.js";
import { channelCredentials, channelSecurityOptions } from "../credentials.js";
import { checkHealth, createHealth } from "../health.js";
import { type Listener, listen, listenForHealth } from "../listen.js";
import { callEcho, echo, echoDefinition } from "../testing/echo.js";
import { createRecordingLog, type RecordingLog } from "../testing/recording-log.js";
import { TestCertificates, validity } from "../testing/test-certificates.js";
import { whyRefused } from "./diagnosis.js";
import { readTlsFolder } from "./tls-folder.js";
import { dayMs, TlsIdentity } from "./tls-identity.js";

const services = [{ definition: echoDefinition, implementation: { echo } }];
const timeoutMs = 5_000;
const patient = new AbortController().signal;

describe("mutual TLS", () => {
  let certificates: TestCertificates;
  let authority: KeyedCertificate;
  let stranger: KeyedCertificate;
  let coordinator: string;
  const open: { close(): unknown }[] = [];

  before(async () => {
    certificates = await TestCertificates.create();
    authority = await certificates.authority();
    stranger = await certificates.authority("stranger");
    coordinator = await certificates.write("coordinator", { role: "coordinator", by: authority });
  });
  // Each server reads its files every 10 ms: those of the tests before would take all the time.
  afterEach(async () => {
    await Promise.all(open.splice(0).map((thing) => thing.close()));
  });
  after(() => certificates.remove());

  const serve = async (folder = coordinator, nowMs = Date.now, at = "127.0.0.1:0") => {
    const log = createRecordingLog();
    const tls = { folder, role: "coordinator", refreshMs: 10, nowMs } as const;
    const listener = await listen({ address: at, services, health: createHealth(), tls, log });
    open.push({ close: () => listener.close({ graceMs: 0 }) });
    return { listener, log, address: parseAddress(listener.address) };
  };
  /** A client whose clock may be wrong. */
  const clientOf = (address: Address, folder: string | null, nowMs = Date.now) => {
    const identity = folder === null ? null : new TlsIdentity({ folder, log: createRecordingLog(), nowMs });
    const options = { ...clientOptions, ...channelSecurityOptions(address, identity) };
    const client = new Client(formatAddress(address), channelCredentials(address, identity), options);
    open.push(client);
    return {
      call: () => callEcho(client, Buffer.from("x")),
      whyRefused: (signal = patient) => whyRefused(address, identity, signal),
    };
  };
  const says = (log: RecordingLog, words: RegExp) =>
    assert.ok(
      log.lines.some((line) => words.test(line)),
      log.lines.join("\n"),
    );

  for (const host of ["127.0.0.1", "localhost"]) {
    it(`carries a call between certificates of one CA, by ${host}`, async () => {
      const { listener } = await serve();
      const { port } = listener.address.match(/:(?<port>\d+)$/)?.groups ?? {};
      const folder = await certificates.write("worker", { role: "worker", by: authority });
      const log = createRecordingLog();
      const connection = connect({ address: `${host}:${port}`, tls: { folder, role: "worker" }, log });
      const client = new Client(connection.target, connection.credentials, connection.options);
      open.push(client);
      assert.equal(String(await callEcho(client, Buffer.from("hello"))), "hello");
      assert.equal(await connection.whyRefused(patient), null);
    });
  }

  // What is refused: by which certificate, what the client learns, what the server writes down.
  const refusals: readonly {
    readonly what: string;
    readonly folder: () => Promise<string | null>;
    readonly nowMs?: () => number;
    readonly client: RegExp;
    readonly server: RegExp;
  }[] = [
    {
      what: "a certificate of another CA",
      folder: () => certificates.write("wrong-ca", { role: "worker", by: stranger, trusts: [authority] }),
      client: /^127.0.0.1:\d+ refuses the certificate in .*wrong-ca: another CA has signed it/,
      server: /^warn refused a connection: its certificate is not accepted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
    },
    {
      what: "an expired certificate",
      folder: () => certificates.write("expired", { role: "worker", by: authority, validity: validity(-10, -5) }),
      nowMs: () => Date.now() - 7 * dayMs,
      client: /refuses the certificate in .*expired.*not valid by the clock there/,
      server: /^warn refused a connection: its certificate is not accepted \(CERT_HAS_EXPIRED\)$/,
    },
    {
      what: "a certificate that is not valid yet",
      folder: () => certificates.write("early", { role: "worker", by: authority, validity: validity(5, 10) }),
      nowMs: () => Date.now() + 7 * dayMs,
      client: /refuses the certificate in .*early.*not valid by the clock there/,
      server: /^warn refused a connection: its certificate is not accepted \(CERT_NOT_YET_VALID\)$/,
    },
    {
      what: "plain text",
      folder: () => Promise.resolve(null),
      client: /^127.0.0.1:\d+ speaks TLS: give this process its certificates \(--tls\)$/,
      server: /^warn refused a connection: it uses plain text, and this port accepts only TLS/,
    },
  ];
  for (const { what, folder, nowMs, client, server } of refusals) {
    it(`refuses ${what}, and both sides say so`, async () => {
      const { address, log } = await serve();
      const { call, whyRefused: ask } = clientOf(address, await folder(), nowMs);
      await assert.rejects(call(), /UNAVAILABLE/);
      assert.match((await ask()) ?? "", client);
      says(log, server);
    });
  }

  it("a client takes no server of another CA, no expired one, and none that is no coordinator", async () => {
    const folder = await certificates.write("worker", { role: "worker", by: authority });
    const expiredAt = () => Date.now() - 7 * dayMs;
    for (const [name, options, nowMs, words] of [
      ["other", { role: "coordinator", by: stranger, trusts: [authority] }, Date.now, /is not trusted: .*certificate/],
      [
        "old",
        { role: "coordinator", by: authority, validity: validity(-10, -5) },
        expiredAt,
        /certificate has expired/,
      ],
    ] as const) {
      const { address } = await serve(await certificates.write(name, options), nowMs);
      const { call, whyRefused: ask } = clientOf(address, folder);
      await assert.rejects(call(), /UNAVAILABLE/);
      assert.match((await ask()) ?? "", words);
    }
    const log = createRecordingLog();
    const worker = await listen({ address: "127.0.0.1:0", services, tls: { folder, role: "worker" }, log });
    open.push({ close: () => worker.close({ graceMs: 0 }) });
    const { call, whyRefused: ask } = clientOf(parseAddress(worker.address), folder);
    await assert.rejects(call(), /UNAVAILABLE/);
    assert.match((await ask()) ?? "", /is not trusted: unsuitable certificate purpose/);
    says(log, /^info a connection ended in its TLS handshake: a probe, or a peer that does not trust this process$/);
  });

  it("TLS against a port of plain text is refused, and both sides say so", async () => {
    const log = createRecordingLog();
    const listener = await listen({ address: "127.0.0.1:0", services, log });
    open.push({ close: () => listener.close({ graceMs: 0 }) });
    const folder = await certificates.write("worker", { role: "worker", by: authority });
    const { call, whyRefused: ask } = clientOf(parseAddress(listener.address), folder);
    await assert.rejects(call(), /UNAVAILABLE/);
    assert.match((await ask()) ?? "", /^127.0.0.1:\d+ does not speak TLS: leave --tls away/);
    says(log, /^info refused a connection: its first bytes are not HTTP\/2; /);
  });

  it("nobody who listens is no refusal: it may pass", async () => {
    const folder = await certificates.write("worker", { role: "worker", by: authority });
    const { listener, address } = await serve();
    await listener.close({ graceMs: 0 });
    for (const own of [folder, null]) assert.equal(await clientOf(address, own).whyRefused(), null);
  });

  it("files that OpenSSL does not take are a reason, and no exception", async () => {
    const { address } = await serve();
    const folder = await certificates.write("worker", { role: "worker", by: authority });
    const { material } = new TlsIdentity({ folder, log: createRecordingLog() });
    const damaged = { folder, material: { ...material, key: Buffer.from("damaged") } };
    assert.match((await whyRefused(address, damaged, patient)) ?? "", /the certificate in .*worker cannot be used: /);
  });

  it("a knock at a peer that says nothing ends with its signal", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    open.push(silent, { close: () => sockets.forEach((socket) => void socket.destroy()) });
    const address = parseAddress(`127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const folder = await certificates.write("worker", { role: "worker", by: authority });
    for (const own of [folder, null]) {
      const leaving = new AbortController();
      const answer = clientOf(address, own).whyRefused(leaving.signal);
      setTimeout(() => leaving.abort(), 20);
      const startMs = performance.now();
      assert.equal(await answer, null);
      assert.ok(performance.now() - startMs < 1_000, "it waited for its own 3 s");
      assert.equal(await clientOf(address, own).whyRefused(leaving.signal), null);
    }
  });

  it("a unix socket needs no certificate: its file is its owner's alone", async () => {
    const log = createRecordingLog();
    const address = `unix:${join(certificates.path, "s")}`;
    const listener = await listen({ address, services, tls: { folder: coordinator, role: "coordinator" }, log });
    open.push({ close: () => listener.close({ graceMs: 0 }) });
    assert.equal(String(await clientOf(parseAddress(address), null).call()), "x");
  });

  it("health is answered in plain text on a port of its own, with nothing else", async () => {
    const log = createRecordingLog();
    const health = createHealth();
    const listener: Listener = await listenForHealth({ address: "0.0.0.0:0", health, log });
    open.push({ close: () => listener.close({ graceMs: 0 }) });
    const address = listener.address.replace("0.0.0.0", "127.0.0.1");
    assert.equal(await checkHealth({ address, timeoutMs, log }), "NOT_SERVING");
    assert.equal(await checkHealth({ address, service: "alive", timeoutMs, log }), "SERVING");
    health.setServing("lockstep.v1.Coordinator", true);
    assert.equal(await checkHealth({ address, timeoutMs, log }), "SERVING");
    await assert.rejects(clientOf(parseAddress(address), null).call(), /UNIMPLEMENTED/);
    assert.deepEqual(log.lines, []);
  });

  it("new files are used by new connections, and a session that stands lives on, through a change of the CA", async () => {
    const folder = await certificates.write("rotated", { role: "coordinator", by: authority });
    const { address, log } = await serve(folder);
    const next = await certificates.authority("next");
    const [before, after] = [
      await certificates.write("before", { role: "worker", by: authority, trusts: [authority, next] }),
      await certificates.write("after", { role: "worker", by: next, trusts: [next] }),
    ];
    const old = clientOf(address, before);
    assert.equal(String(await old.call()), "x");
    await assert.rejects(clientOf(address, after).call(), /UNAVAILABLE/);

    /** Files are replaced one by one, as a person would. */
    const rotate = async (options: { by: KeyedCertificate; trusts: KeyedCertificate[] }) => {
      const sofar = log.lines.length;
      const fresh = await certificates.write("fresh", { role: "coordinator", ...options });
      for (const name of ["ca.crt", "tls.key", "tls.crt"]) await copyFile(join(fresh, name), join(folder, name));
      await saidAfter(log, sofar, "info new TLS files");
    };
    // First both are trusted, then the coordinator's own certificate is of the new one, then the old one is left away.
    await rotate({ by: authority, trusts: [authority, next] });
    await rotate({ by: next, trusts: [authority, next] });
    assert.equal(String(await clientOf(address, before).call()), "x");
    assert.equal(String(await clientOf(address, after).call()), "x");
    await rotate({ by: next, trusts: [next] });
    await assert.rejects(clientOf(address, before).call(), /UNAVAILABLE/);
    assert.equal(String(await old.call()), "x");
  });

  it("a server takes what certs init --renew has written, and lets old and new certificates of that CA in", async () => {
    const folder = join(certificates.path, "made");
    const make = (renew: boolean) => initCertificates({ folder, days: 365, renew, nowMs: Date.now() });
    await make(false);
    const { address, log } = await serve(join(folder, "coordinator"));
    const former = join(folder, "former");
    await cp(join(folder, "worker"), former, { recursive: true });
    await make(true);
    await saidAfter(log, 0, "info new TLS files");
    const [old, renewed] = await Promise.all(
      [former, join(folder, "worker")].map((place) => readFile(join(place, "tls.crt"), "utf8")),
    );
    assert.notEqual(old, renewed);
    // Each on a connection of its own, opened now.
    assert.equal(String(await clientOf(address, join(folder, "worker")).call()), "x");
    assert.equal(String(await clientOf(address, former).call()), "x");
  });

  it("a connection ends with its certificate, and a session ticket does not bring it back", async () => {
    const { address, log } = await serve();
    const soon = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + 5_000 };
    const folder = await certificates.write("short", { role: "worker", by: authority, validity: soon });
    const { ca, certificate: cert, key } = readTlsFolder({ folder }, Date.now());
    assert.ok(address.kind === "tcp");
    const { host, port } = address;
    const connectAgain = (session?: Buffer) => {
      const socket = connectTls({ host, port, ca, cert, key, ALPNProtocols: ["h2"], ...(session && { session }) });
      open.push({ close: () => socket.destroy() });
      return socket.resume();
    };
    const socket = connectAgain();
    // The server speaks first: it is let in.
    const [[ticket]] = await Promise.all([once(socket, "session"), once(socket, "data")]);
    await once(socket, "close", { signal: AbortSignal.timeout(2 * timeoutMs) });
    assert.ok(Date.now() >= soon.notAfterMs - 1_000, "a certificate's dates are whole seconds");
    says(log, /^warn ended a connection: its certificate has expired$/);

    const back = connectAgain(ticket);
    const closed = once(back, "close", { signal: AbortSignal.timeout(timeoutMs) });
    await once(back, "secureConnect");
    assert.equal(back.isSessionReused(), true);
    await closed;
  });

  it("a client takes its new certificate for its next connection, and keeps it where the files break", async () => {
    const folder = await certificates.write("client", { role: "worker", by: stranger, trusts: [authority] });
    const { address, listener } = await serve();
    const tls = { folder, role: "worker", refreshMs: 10 } as const;
    const log = createRecordingLog();
    const { target, credentials, options } = connect({ address: formatAddress(address), tls, log });
    const client = new Client(target, credentials, options);
    open.push(client);
    await assert.rejects(callEcho(client, Buffer.from("x")), /UNAVAILABLE/);
    await certificates.write("client", { role: "worker", by: authority });
    const callUntilAnswered = async () => {
      for (const deadlineMs = Date.now() + timeoutMs; ; ) {
        const answer = await callEcho(client, Buffer.from("x")).catch(() => null);
        if (answer !== null) return;
        assert.ok(Date.now() < deadlineMs, "no connection came about");
      }
    };
    await callUntilAnswered();

    const sofar = log.lines.length;
    await writeFile(join(folder, "tls.crt"), "broken");
    await saidAfter(log, sofar, "warn the TLS files cannot be used; those read before are");
    await listener.close({ graceMs: 0 }); // the connection that stands is gone
    await assert.rejects(callEcho(client, Buffer.from("x")), /UNAVAILABLE/);
    await serve(coordinator, Date.now, formatAddress(address));
    await callUntilAnswered();
  });
});

/** Waits for a line behind the first `sofar`. */
async function saidAfter(log: RecordingLog, sofar: number, words: string): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!log.lines.slice(sofar).some((line) => line.startsWith(words))) {
    assert.ok(Date.now() < deadlineMs, `waited for ${words}: ${log.lines.slice(sofar).join("; ")}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
