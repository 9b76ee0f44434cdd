// Finds with `whyRefused` why a peer that listens accepts no call. gRPC reports every failure below it as UNAVAILABLE, and a client that
// waits for a coordinator must distinguish what may pass (nobody listens yet) from what will not (a wrong certificate).
//
// Under TLS 1.3 a client finishes its handshake before the server has checked its certificate: a refusal then is an alert or, from a
// Node server, a connection that is closed without one. A server that accepts the client sends the first bytes: HTTP/2's settings.

import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { describeError } from "@lockstep/errors";
import { type Address, formatAddress } from "../address.js";
import { checkCoordinator } from "./peer-identity.js";
import type { TlsIdentity } from "./tls-identity.js";

const answerTimeoutMs = 3_000;
/** A peer that ends in this moment looks like one that refuses, once. */
const confirmAfterMs = 200;

/** One line for people; null where the same call may succeed later, or `signal` is aborted first. Never rejects. */
export async function whyRefused(
  address: Address,
  identity: Pick<TlsIdentity, "folder" | "material"> | null,
  signal: AbortSignal,
): Promise<string | null> {
  if (address.kind === "unix") return null;
  const { host, port } = address;
  const where = formatAddress(address);
  const target: ConnectionOptions = {
    host,
    port,
    ALPNProtocols: ["h2"],
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
  if (identity === null) {
    const { kind } = await knock({ ...target, rejectUnauthorized: false }, signal);
    const speaksTls = kind === "agreed" || kind === "alert" || kind === "closed";
    return speaksTls ? `${where} speaks TLS: give this process its certificates (--tls)` : null;
  }
  const knockWithCertificate = () => {
    const { ca, certificate: cert, key } = identity.material;
    const checkServerIdentity: ConnectionOptions["checkServerIdentity"] = (_, peer) => checkCoordinator(host, peer);
    return knock({ ...target, ca, cert, key, checkServerIdentity }, signal);
  };
  const answer = await knockWithCertificate();
  switch (answer.kind) {
    case "agreed":
    case "unreachable":
      return null;
    case "plain":
      return `${where} does not speak TLS: leave --tls away, or start the coordinator with it`;
    case "distrusted":
      return `${where} is not trusted: ${answer.reason} (${identity.folder})`;
    case "alert":
      return `${where} refuses the certificate in ${identity.folder}: ${answer.reason}`;
    case "unusable":
      return `the certificate in ${identity.folder} cannot be used: ${answer.reason}`;
    case "closed": {
      await delay(confirmAfterMs, undefined, { signal }).catch(() => {}); // aborted: the next knock says so
      if ((await knockWithCertificate()).kind !== "closed") return null;
      return `${where} refuses the certificate in ${identity.folder}: another CA has signed it, or it is not valid by the clock there; the coordinator's log says which`;
    }
    default:
      return answer satisfies never;
  }
}

type Answer =
  | { readonly kind: "agreed" | "unreachable" | "plain" | "closed" }
  | { readonly kind: "distrusted" | "alert" | "unusable"; readonly reason: string };

function knock(options: ConnectionOptions, signal: AbortSignal): Promise<Answer> {
  if (signal.aborted) return Promise.resolve({ kind: "unreachable" });
  return new Promise((resolve) => {
    let socket: TLSSocket;
    try {
      socket = connect(options);
    } catch (error) {
      resolve({ kind: "unusable", reason: describeError(error) }); // OpenSSL does not take the files
      return;
    }
    let isSecure = false;
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      resolve(answer);
      socket.destroy();
    };
    const leave = (): void => settle({ kind: "unreachable" });
    const timer = setTimeout(leave, answerTimeoutMs);
    signal.addEventListener("abort", leave, { once: true });
    socket.once("secureConnect", () => {
      isSecure = true;
    });
    socket.once("data", () => settle({ kind: "agreed" }));
    socket.on("error", (error) => settle(answerOf(error, isSecure)));
    socket.once("close", () => settle({ kind: isSecure ? "closed" : "unreachable" }));
  });
}

function answerOf(error: Error, isSecure: boolean): Answer {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return { kind: "plain" };
  // OpenSSL's text without its numbers.
  const reason = "reason" in error && typeof error.reason === "string" ? error.reason : describeError(error);
  if (code.startsWith("ERR_SSL_")) return { kind: "alert", reason };
  if (code === "ECONNRESET" || code === "EPIPE" || "syscall" in error)
    return { kind: isSecure ? "closed" : "unreachable" };
  return { kind: "distrusted", reason };
}
