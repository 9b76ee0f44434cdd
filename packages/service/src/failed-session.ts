// Decides with `failedSession` whether the error of an HTTP/2 session is reported, and how.
import { describeError } from "@lockstep/errors";

/** nghttp2's NGHTTP2_ERR_BAD_CLIENT_MAGIC: the first bytes are not HTTP/2's. */
const badClientMagic = -903;

/**
 * Null: nothing is reported. An error after a call is an ordinary end: the GOAWAY by which grpc-go closes a connection (so do the
 * kubelet's probes) names a stream of its own, which nghttp2 calls a protocol error (RFC 9113, 6.8).
 * @param hasServed the session has carried a call
 */
export function failedSession(error: Error, hasServed: boolean): string | null {
  if ("errno" in error && error.errno === badClientMagic) {
    return "refused a connection: its first bytes are not HTTP/2; is it HTTP/1, or TLS on a port without TLS (--tls)?";
  }
  return hasServed ? null : `a connection broke before its first call: ${describeError(error)}`;
}
