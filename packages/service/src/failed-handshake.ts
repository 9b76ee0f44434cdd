// Describes with `failedHandshake`, for the operator of a server, a TLS handshake that failed: which side refused the other, and why.
import { describeError } from "@lockstep/errors";

export interface FailedHandshake {
  readonly level: "info" | "warn";
  readonly message: string;
}

/**
 * @param error of the server's `tlsClientError`
 * @param authorizationError of its socket: Node sets it to a code such as CERT_HAS_EXPIRED, though it is typed as an error
 */
export function failedHandshake(error: Error, authorizationError: unknown): FailedHandshake {
  if (typeof authorizationError === "string") return refused(`its certificate is not accepted (${authorizationError})`);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const reason = "reason" in error && typeof error.reason === "string" ? error.reason : describeError(error);
  // OpenSSL calls a message of the other side an alert.
  if (/^ERR_SSL_\w+_ALERT_/.test(code)) {
    const isDistrust = /UNKNOWN_CA|CERTIFICATE/.test(code);
    const what = isDistrust ? "a peer does not trust this process' certificate" : "a peer gave up its TLS handshake";
    return { level: "warn", message: `${what}: it reports "${reason}"` };
  }
  switch (code) {
    case "":
    case "ECONNRESET":
      return {
        level: "info",
        message: "a connection ended in its TLS handshake: a probe, or a peer that does not trust this process",
      };
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_HTTP_REQUEST":
      return refused("it uses plain text, and this port accepts only TLS (--tls)");
    case "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE":
      return refused("it has sent no certificate (--tls)");
    default:
      return refused(reason);
  }
}

/** A socket that has closed meanwhile has no address any more. */
export function peerOf(socket: { readonly remoteAddress?: string | undefined }): string {
  return socket.remoteAddress ?? "unknown";
}

function refused(why: string): FailedHandshake {
  return { level: "warn", message: `refused a connection: ${why}` };
}
