// Reads and writes a peer's address, `unix:/path.sock` or `host:port`, with `parseAddress` and `formatAddress`.
import { isIPv4, isIPv6 } from "node:net";
import { resolve } from "node:path";
import { UserError } from "@lockstep/errors";
import { socketPathProblem } from "./socket-path.js";

export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** @throws UserError that names the forms of an address */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) return unixAddress(text);
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && !isIPv6(match[1]))) {
    throw new UserError(`address ${JSON.stringify(text)}: must be host:port, [ipv6]:port or unix:/path.sock`);
  }
  return { kind: "tcp", host, port };
}

function unixAddress(text: string): Address {
  const written = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (written === "" || written.includes("\0")) {
    throw new UserError(`address ${JSON.stringify(text)}: must name a socket file: unix:/path.sock`);
  }
  const path = resolve(written);
  const problem = socketPathProblem(path);
  if (problem !== null) throw new UserError(`socket path ${path}: ${problem}`);
  return { kind: "unix", path };
}

/** The form that gRPC and people read; the inverse of parseAddress. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether bytes to this address stay on this machine. The wildcard addresses do not. */
export function staysOnMachine(address: Address): boolean {
  if (address.kind === "unix") return true;
  const { host } = address;
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
