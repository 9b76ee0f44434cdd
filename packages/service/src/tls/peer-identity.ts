// Owns whom a client takes for the coordinator.
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { roleOf } from "./role.js";

/** The host's name alone would let a worker's certificate for that host take the coordinator's place: the role must fit, too. */
export function checkCoordinator(host: string, certificate: PeerCertificate): Error | undefined {
  const role = roleOf(certificate.subjectaltname);
  if (role !== "coordinator") return new Error(`its certificate is for the role ${role ?? "none"}, not coordinator`);
  return checkServerIdentity(host, certificate);
}
