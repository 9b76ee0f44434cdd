// Describes the certificates of a folder for `lockstep certs show`, with `describeCertificates`.
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { hostsOf, type Role, roleOf, roles } from "../tls/role.js";
import { parseCertificates, tlsFiles, validityOf } from "../tls/tls-folder.js";
import { isNearExpiry } from "../tls/tls-identity.js";
import { authorityFiles, authorityFolder } from "./authority-folder.js";
import { textIn } from "./certificate-files.js";

export interface CertificateInfo {
  readonly path: string;
  readonly subject: string;
  /** Null where it names no role, as a CA. */
  readonly role: Role | null;
  readonly hosts: readonly string[];
  readonly notAfterMs: number;
  readonly isNearExpiry: boolean;
}

/**
 * For a folder that initCertificates made, or one TLS folder. A file may contain several.
 * @throws UserError where there is no certificate
 */
export async function describeCertificates(folder: string, nowMs: number): Promise<CertificateInfo[]> {
  const places = [
    [folder, tlsFiles.ca],
    [folder, tlsFiles.certificate],
    [join(folder, authorityFolder), authorityFiles.certificate],
    ...roles.map((role) => [join(folder, role), tlsFiles.certificate] as const),
  ] as const;
  const infos: CertificateInfo[] = [];
  for (const [place, name] of places) {
    const text = await textIn(place, name);
    if (text === null) continue;
    const path = join(place, name);
    for (const certificate of parseCertificates(Buffer.from(text), path)) {
      const validity = validityOf(certificate);
      infos.push({
        path,
        subject: certificate.subject.replaceAll("\n", ", "),
        role: roleOf(certificate.subjectAltName),
        hosts: hostsOf(certificate.subjectAltName),
        notAfterMs: validity.notAfterMs,
        isNearExpiry: isNearExpiry(validity, nowMs),
      });
    }
  }
  if (infos.length === 0) throw new UserError(`${folder}: holds no certificate; \`lockstep certs init\` makes some`);
  return infos;
}
