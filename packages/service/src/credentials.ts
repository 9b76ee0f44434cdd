// Chooses the credentials of every connection, with `tlsIdentity`: mutual TLS where a folder of certificates is given, else plain text.
// Plain text is allowed only where bytes stay on the machine, or where the user asked for it (`--insecure`). A unix socket needs no
// certificates: only its owner can open its file.
import { isIP } from "node:net";
import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  experimental,
  ServerCredentials,
} from "@grpc/grpc-js";
import { type Log, UserError } from "@lockstep/errors";
import { type Address, formatAddress, staysOnMachine } from "./address.js";
import { checkCoordinator } from "./tls/peer-identity.js";
import { TlsIdentity, type TlsOptions } from "./tls/tls-identity.js";

export interface CredentialChoice {
  readonly address: Address;
  readonly tls?: TlsOptions | undefined;
  /** The user has allowed plain text beyond this machine (`--insecure`). */
  readonly insecure: boolean;
  readonly log: Log;
}

/** @throws UserError for certificates that cannot be used, or plain text beyond this machine */
export function tlsIdentity(choice: CredentialChoice, doing: "listening on" | "connecting to"): TlsIdentity | null {
  const { address, tls, log } = choice;
  if (address.kind === "unix") return null;
  if (tls !== undefined) return new TlsIdentity({ ...tls, log });
  assertPlainTextAllowed(choice, doing);
  return null;
}

export function serverCredentials(identity: TlsIdentity | null): ServerCredentials {
  if (identity === null) return ServerCredentials.createInsecure();
  return experimental.createCertificateProviderServerCredentials(identity, identity, true);
}

export function channelCredentials(address: Address, identity: TlsIdentity | null): ChannelCredentials {
  if (identity === null || address.kind === "unix") return credentials.createInsecure();
  return experimental.createCertificateProviderChannelCredentials(identity, identity, {
    checkServerIdentity: (_, certificate) => checkCoordinator(address.host, certificate),
  });
}

/** TLS cannot name a server by an IP address (RFC 6066), and Node warns where grpc-js tries to: any other name will do then. */
export function channelSecurityOptions(address: Address, identity: TlsIdentity | null): ChannelOptions {
  if (identity === null || address.kind === "unix" || isIP(address.host) === 0) return {};
  return { "grpc.ssl_target_name_override": "coordinator" };
}

function assertPlainTextAllowed({ address, insecure, log }: CredentialChoice, doing: string): void {
  if (staysOnMachine(address)) return;
  const what = `${doing} ${formatAddress(address)} without encryption`;
  if (!insecure) {
    throw new UserError(
      `${what}: refused beyond this machine; give certificates by --tls (lockstep certs init makes them), use a loopback address, or allow it with --insecure`,
    );
  }
  log.warn({ address: formatAddress(address) }, `${what}: anyone on the network can read and change the run`);
}
