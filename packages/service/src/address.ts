// Owns how a peer's address is written and read: `unix:/path.sock` or `host:port`.
import { isIPv4, isIPv6 } from "node:net";
import { resolve } from "node:path";
import { UserError } from "@lockstep/errors";

export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** sun_path holds 108 bytes with its closing zero, on Linux. */
const maxSocketPathBytes = 107;

/** @throws UserError that says what an address looks like */
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
  const pathBytes = Buffer.byteLength(path);
  if (pathBytes > maxSocketPathBytes) {
    throw new UserError(
      `socket path ${path}: has ${pathBytes} bytes, the system allows ${maxSocketPathBytes}; use a shorter folder`,
    );
  }
  return { kind: "unix", path };
}

/** As gRPC and people read it; the inverse of parseAddress. */
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
