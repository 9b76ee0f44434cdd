// Makes with `connect` what a client needs to reach a peer: `new CoordinatorClient(target, credentials, options)`.

import type { ChannelCredentials, ClientOptions, Interceptor } from "@grpc/grpc-js";
import type { Log } from "@lockstep/errors";
import { formatAddress, parseAddress } from "./address.js";
import { clientOptions } from "./channel-options.js";
import { channelCredentials, channelSecurityOptions, tlsIdentity } from "./credentials.js";
import { whyRefused } from "./tls/diagnosis.js";
import type { TlsOptions } from "./tls/tls-identity.js";

/** The three arguments of a generated client's constructor. Nothing is opened before the first call. */
export interface Connection {
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ClientOptions;
  /**
   * To be called after a call that failed as UNAVAILABLE. Resolves with one line: why no call will succeed before a person has changed
   * something. Null where a later call may succeed, as nobody listens yet, and where `signal` is aborted first. Takes up to 6.2 s; never rejects.
   */
  whyRefused(signal: AbortSignal): Promise<string | null>;
}

export interface ConnectOptions {
  readonly address: string;
  /** Mutual TLS by the certificates in this folder; not used on a unix socket. */
  readonly tls?: TlsOptions | undefined;
  /** Plain text beyond this machine, with a warning. */
  readonly insecure?: boolean | undefined;
  /** Applied to each call of each client, e.g. to send the join token. */
  readonly interceptors?: readonly Interceptor[];
  readonly log: Log;
}

/** @throws UserError for a malformed address, certificates that cannot be used, or plain text beyond this machine without `insecure` */
export function connect(given: ConnectOptions): Connection {
  const { address: text, tls, insecure = false, interceptors = [], log } = given;
  const address = parseAddress(text);
  const identity = tlsIdentity({ address, tls, insecure, log }, "connecting to");
  const authority = address.kind === "unix" ? { "grpc.default_authority": "localhost" } : {};
  return {
    target: formatAddress(address),
    credentials: channelCredentials(address, identity),
    options: {
      ...clientOptions,
      ...authority,
      ...channelSecurityOptions(address, identity),
      interceptors: [...interceptors],
    },
    whyRefused: (signal) => whyRefused(address, identity, signal),
  };
}
