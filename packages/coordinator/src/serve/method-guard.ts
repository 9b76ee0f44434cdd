// Refuses calls that the caller may not make, before they reach a service: `methodGuard`. method-roles.ts has the
// table.

import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { Log } from "@lockstep/errors";
import { joinTokenHeader, toServiceError, WireError } from "@lockstep/protocol";
import { type JoinToken, RefusalLog, type Role, roleOf } from "@lockstep/service";
import { methodRoles } from "./method-roles.js";

export interface GuardOptions {
  /** False when the connection has no certificates: a unix socket or plain text. */
  readonly hasRoles: boolean;
  /** Null when no token is required. */
  readonly joinToken: Pick<JoinToken, "matches"> | null;
  readonly log: Log;
}

export interface Caller {
  readonly method: string;
  /** Null when its certificate names no role. */
  readonly role: Role | null;
  /** The join token that it sent, or null. */
  readonly token: string | null;
}

/** Returns the refusal, or null when the call is allowed. */
export function checkCaller(
  { method, role, token }: Caller,
  { hasRoles, joinToken }: Pick<GuardOptions, "hasRoles" | "joinToken">,
): WireError | null {
  const access = methodRoles.get(method);
  if (hasRoles && (role === null || !access?.roles.includes(role))) {
    const allowed = access === undefined ? "nobody" : access.roles.join(" or ");
    return new WireError(
      "role",
      `a certificate for the role ${role ?? "none"} may not call ${method}: allowed is ${allowed}`,
    );
  }
  const required = access?.joinToken ?? "always";
  if (joinToken === null || required === "never" || (required === "without-roles" && hasRoles)) return null;
  if (token === null) return new WireError("join-token", "no join token was sent; give it by --join-token-file");
  return joinToken.matches(token) ? null : new WireError("join-token", "the join token is not the coordinator's");
}

export function methodGuard(options: GuardOptions): ServerInterceptor {
  const refusals = new RefusalLog(options.log);
  return ({ path: method }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const [token = null] = metadata.get(joinTokenHeader);
            const role = roleOf(call.getAuthContext().sslPeerCertificate?.subjectaltname);
            const refusal = checkCaller({ method, role, token: token === null ? null : String(token) }, options);
            if (refusal === null) {
              pass(metadata);
              return;
            }
            const peer = call.getPeer().replace(/:\d+$/, ""); // without the port
            refusals.note({ level: "warn", peer, message: `refused a call: ${refusal.message}` });
            const { code, details, metadata: trailers } = toServiceError(refusal);
            call.sendStatus({ code, details, metadata: trailers });
          },
        }),
    });
}
