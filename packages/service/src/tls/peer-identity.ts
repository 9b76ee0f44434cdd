// Checks with `checkCoordinator` whether a peer's certificate is the coordinator's.
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { roleOf } from "./role.js";

/** The role must fit besides the host's name: else a worker with a certificate for that host could pose as the coordinator. */
export function checkCoordinator(host: string, certificate: PeerCertificate): Error | undefined {
  const role = roleOf(certificate.subjectaltname);
  if (role !== "coordinator") return new Error(`its certificate is for the role ${role ?? "none"}, not coordinator`);
  return checkServerIdentity(host, certificate);
}
