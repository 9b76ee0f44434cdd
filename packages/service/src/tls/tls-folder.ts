// Reads and checks a TLS folder with `readTlsFolder`. Its files have the names of Kubernetes' TLS secrets and of cert-manager: `ca.crt`
// (the CAs to trust), `tls.crt` (the process' own certificate), `tls.key`.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { describeError, UserError } from "@lockstep/errors";
import { type Role, roleOf, roles } from "./role.js";

const pemFiles = { ca: "ca.crt", certificate: "tls.crt", key: "tls.key" } as const;
export const tlsFiles = { ...pemFiles, joinToken: "join-token" } as const;

export interface TlsMaterial {
  readonly ca: Buffer;
  /** The process' own certificate, followed by intermediate ones where there are any. */
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface TlsRequirement {
  readonly folder: string;
  /** The role that the certificate must have. Default: any. */
  readonly role?: Role | undefined;
}

/** For the value of --tls; undefined where it is not given. */
export function tlsAs(role: Role, folder: string | undefined): TlsRequirement | undefined {
  return folder === undefined ? undefined : { folder, role };
}

/** @throws UserError that names the file and what is wrong with it */
export function readTlsFolder({ folder, role }: TlsRequirement, nowMs: number): TlsMaterial {
  const [ca, certificate, key] = [tlsFiles.ca, tlsFiles.certificate, tlsFiles.key].map((name) => readIn(folder, name));
  if (ca === undefined || certificate === undefined || key === undefined) throw new Error("a name was lost");
  const path = join(folder, tlsFiles.certificate);
  parseCertificates(ca, join(folder, tlsFiles.ca));
  const [own] = parseCertificates(certificate, path);
  if (!own.checkPrivateKey(parseKey(key, join(folder, tlsFiles.key)))) {
    throw new UserError(`${join(folder, tlsFiles.key)}: is not the key of ${path}; both must be of one certificate`);
  }
  const ownRole = roleOf(own.subjectAltName);
  if (ownRole === null || (role !== undefined && ownRole !== role)) {
    const words = ownRole === null ? "names no role of Lockstep's" : `is for the role ${ownRole}`;
    throw new UserError(`${path}: ${words}, this process needs ${role ?? roles.join(", ")} (--tls)`);
  }
  const { notBeforeMs, notAfterMs } = validityOf(own);
  if (nowMs < notBeforeMs)
    throw new UserError(`${path}: is not valid before ${own.validFrom}; check this machine's clock`);
  if (nowMs > notAfterMs) {
    throw new UserError(`${path}: expired on ${own.validTo}; renew it (lockstep certs init --renew)`);
  }
  assertUsable({ ca, certificate, key }, folder);
  return { ca, certificate, key, notBeforeMs, notAfterMs };
}

/** Files that OpenSSL refuses would end a connection, or the process, much later. */
function assertUsable(
  { ca, certificate: cert, key }: Pick<TlsMaterial, "ca" | "certificate" | "key">,
  folder: string,
): void {
  try {
    createSecureContext({ ca, cert, key });
  } catch (error) {
    throw new UserError(`${folder}: OpenSSL cannot use its ${Object.values(pemFiles).join(", ")} (--tls)`, {
      cause: error,
    });
  }
}

export function validityOf(certificate: X509Certificate): {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
} {
  return { notBeforeMs: Date.parse(certificate.validFrom), notAfterMs: Date.parse(certificate.validTo) };
}

/**
 * All certificates of a file, at least one. OpenSSL reads a list up to the first that it cannot read, and does not report the rest.
 * @throws UserError
 */
export function parseCertificates(pem: Buffer, path: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.toString("latin1").split(/^(?=-----BEGIN )/m);
  const [first, ...others] = blocks.filter((block) => /^-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(block));
  if (first === undefined) throw new UserError(`${path}: is no certificate in PEM`);
  const parse = (block: string, index: number): X509Certificate => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const which = others.length === 0 ? "is no certificate in PEM" : `its certificate ${index + 1} cannot be read`;
      throw new UserError(`${path}: ${which}; each must begin and end on lines of its own`, { cause: error });
    }
  };
  return [parse(first, 0), ...others.map((block, index) => parse(block, index + 1))];
}

/** @throws UserError */
export function parseKey(pem: Buffer, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new UserError(`${path}: is no private key in PEM, or has a passphrase`, { cause: error });
  }
}

function readIn(folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const words = isMissing ? "is missing; `lockstep certs init` makes it" : `cannot be read: ${describeError(error)}`;
    throw new UserError(`${join(folder, name)}: ${words} (--tls)`, isMissing ? {} : { cause: error });
  }
}
