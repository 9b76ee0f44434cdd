import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer as createTcpServer, Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { failedHandshake, peerOf } from "./failed-handshake.js";
import { TestCertificates } from "./testing/test-certificates.js";
import { readTlsFolder } from "./tls/tls-folder.js";

describe("a failed TLS handshake", () => {
  let certificates: TestCertificates;
  const server = createServer();
  let hello: Buffer;
  before(async () => {
    certificates = await TestCertificates.create();
    const authority = await certificates.authority();
    const folder = await certificates.write("server", { role: "coordinator", by: authority });
    const { certificate: cert, key } = readTlsFolder({ folder }, Date.now());
    server.setSecureContext({ cert, key });
    server.listen(0, "127.0.0.1");
    [hello] = await Promise.all([firstWords(), once(server, "listening")]);
  });
  after(async () => {
    server.close();
    await certificates.remove();
  });

  /** How a peer is described that begins with these bytes. */
  const describedAfter = async (bytes: Buffer) => {
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const failed = once(server, "tlsClientError", { signal: AbortSignal.timeout(5_000) });
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.end(bytes);
    const [error, peer]: [Error, TLSSocket] = (await failed) as [Error, TLSSocket]; // the event's documented arguments
    return failedHandshake(error, peer.authorizationError);
  };
  /** Fatal, in the clear, as a peer sends it after the server's first answer. RFC 5246, sections 6.2.1 and 7.2. */
  const alert = (description: number) => Buffer.concat([hello, Buffer.from([21, 3, 3, 0, 2, 2, description])]);

  it("is the peer's refusal where it sent an alert about our certificate", async () => {
    for (const [description, reason] of [
      [48, "tlsv1 alert unknown ca"],
      [42, "ssl/tls alert bad certificate|sslv3 alert bad certificate"],
      [45, "ssl/tls alert certificate expired|sslv3 alert certificate expired"],
    ] as const) {
      const { level, message } = await describedAfter(alert(description));
      assert.equal(level, "warn");
      assert.match(
        message,
        new RegExp(`^a peer does not trust this process' certificate: it reports "(?:${reason})"$`),
      );
    }
  });

  it("does not mention certificates where the alert was about something else", async () => {
    const { message } = await describedAfter(alert(70));
    assert.match(message, /^a peer gave up its TLS handshake: it reports ".*alert protocol version"$/);
  });

  it("is our refusal where the peer used plain text", async () => {
    const { message } = await describedAfter(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    assert.equal(message, "refused a connection: it uses plain text, and this port accepts only TLS (--tls)");
  });

  it("is a probe where the peer closed the connection", async () => {
    const { level } = await describedAfter(Buffer.alloc(0));
    assert.equal(level, "info");
  });

  it("has a peer without an address where the socket has closed", () => {
    assert.equal(peerOf(new Socket()), "unknown");
    assert.equal(peerOf({ remoteAddress: "::1" }), "::1");
  });
});

/** How a client of TLS 1.2 begins. */
async function firstWords(): Promise<Buffer> {
  const listener = createTcpServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo; // as above
  const client = connectTls({ port, host: "127.0.0.1", maxVersion: "TLSv1.2" }).on("error", () => {});
  const [socket]: [Socket] = (await once(listener, "connection")) as [Socket]; // the event's documented argument
  const [bytes]: [Buffer] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  listener.close();
  return bytes;
}
