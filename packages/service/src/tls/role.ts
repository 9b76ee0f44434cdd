// Reads a process' role from its certificate with `roleOf`. The role is a SPIFFE ID in the URI SAN
// (https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md). A certificate has one role.
import { isIPv6 } from "node:net";

export const roles = ["coordinator", "worker", "exporter", "operator"] as const;
export type Role = (typeof roles)[number];

export function roleUri(role: Role): string {
  return `spiffe://lockstep/${role}`;
}

/**
 * Null when the certificate names no role of Lockstep's, or several.
 * @param subjectAltName as Node writes it: `DNS:localhost, URI:spiffe://lockstep/worker`
 */
export function roleOf(subjectAltName: string | undefined): Role | null {
  const uris = namesOf(subjectAltName).flatMap((name) => (name.startsWith("URI:") ? [name.slice("URI:".length)] : []));
  const [role, ...others] = roles.filter((known) => uris.includes(roleUri(known)));
  return role !== undefined && others.length === 0 ? role : null;
}

/** Host names and IP addresses that the certificate is for. */
export function hostsOf(subjectAltName: string | undefined): string[] {
  const hosts = namesOf(subjectAltName).flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? []);
  return hosts.map(canonicalHost);
}

/** One form for each host: Node writes an IPv6 address in full. */
export function canonicalHost(host: string): string {
  return isIPv6(host) ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host.toLowerCase();
}

/** Node quotes a name with a comma or a quote, as JSON does. No name of ours has one, and such a name must not be read as two. */
function namesOf(subjectAltName = ""): string[] {
  return [...subjectAltName.matchAll(/(?:"(?:\\.|[^"\\])*"|[^,"])+/g)].map(([name]) => name.trim());
}
