// Owns what a client needs to reach a peer: `new CoordinatorClient(target, credentials, options)`.
import type { ChannelCredentials, ChannelOptions } from "@grpc/grpc-js";
import { formatAddress, parseAddress } from "./address.js";
import { clientOptions } from "./channel-options.js";
import { channelCredentials } from "./credentials.js";
import type { Log } from "./log.js";

/** The three arguments of a generated client's constructor. Nothing is opened before the first call. */
export interface Connection {
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** @throws UserError for a malformed address, or plain text beyond this machine without `insecure` */
export function connect(options: {
  readonly address: string;
  readonly insecure?: boolean;
  readonly log: Log;
}): Connection {
  const address = parseAddress(options.address);
  const credentials = channelCredentials({ address, insecure: options.insecure ?? false, log: options.log });
  const authority = address.kind === "unix" ? { "grpc.default_authority": "localhost" } : {};
  return { target: formatAddress(address), credentials, options: { ...clientOptions, ...authority } };
}
