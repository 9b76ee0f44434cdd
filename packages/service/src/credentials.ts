// Owns the one place where a connection's credentials are chosen. Today: plain text, and only where bytes stay on the
// machine, or where the user asked for it by name.
import { type ChannelCredentials, credentials, ServerCredentials } from "@grpc/grpc-js";
import { UserError } from "@lockstep/errors";
import { type Address, formatAddress, staysOnMachine } from "./address.js";
import type { Log } from "./log.js";

export interface CredentialChoice {
  readonly address: Address;
  /** Plain text beyond this machine, by the user's own word (`--insecure`). */
  readonly insecure: boolean;
  readonly log: Log;
}

/** @throws UserError for plain text beyond this machine */
export function serverCredentials(choice: CredentialChoice): ServerCredentials {
  assertPlainTextAllowed(choice, "listening on");
  return ServerCredentials.createInsecure();
}

/** @throws UserError for plain text beyond this machine */
export function channelCredentials(choice: CredentialChoice): ChannelCredentials {
  assertPlainTextAllowed(choice, "connecting to");
  return credentials.createInsecure();
}

function assertPlainTextAllowed({ address, insecure, log }: CredentialChoice, doing: string): void {
  if (staysOnMachine(address)) return;
  const what = `${doing} ${formatAddress(address)} without encryption`;
  if (!insecure) {
    throw new UserError(`${what}: refused beyond this machine; use a loopback address, or allow it with --insecure`);
  }
  log.warn({ address: formatAddress(address) }, `${what}: anyone on the network can read and change the run`);
}
