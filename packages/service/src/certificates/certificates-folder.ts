// `initCertificates` writes the folder of `lockstep certs init`: a private CA, and for each role a TLS folder (`--tls`).
//
//   ca/{ca.crt,ca.key}    {coordinator,worker,exporter,operator}/{ca.crt,tls.crt,tls.key}    {coordinator,worker}/join-token
//
// A second call keeps valid certificates and makes only the others, so every start of a cluster may begin with it.
import { randomBytes, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { acquireLock, type LockFile, makeFolder } from "@lockstep/files";
import { backoff } from "../backoff.js";
import { retry } from "../retry.js";
import { canonicalHost, hostsOf, type Role, roles } from "../tls/role.js";
import { parseCertificates, readTlsFolder, tlsFiles, validityOf } from "../tls/tls-folder.js";
import { dayMs, isNearExpiry } from "../tls/tls-identity.js";
import { isIssuedBy, issueCertificate, type KeyedCertificate } from "./authority.js";
import {
  type Authority,
  authorityFiles,
  authorityFolder,
  backdatedMs,
  makeAuthority,
  readAuthority,
} from "./authority-folder.js";
import { textIn, writeFileIn } from "./certificate-files.js";

export interface CertificatesOptions {
  readonly folder: string;
  /** Hosts of the coordinator. By default those of its present certificate, or `defaultHosts`. */
  readonly hosts?: readonly string[] | undefined;
  /** Days for which new certificates are valid. */
  readonly days: number;
  /** Replace every certificate, signed by the present CA. */
  readonly renew: boolean;
  readonly nowMs: number;
  /** Waits until no other process writes to the folder. Default: a lock file in the CA's folder. */
  readonly lock?: (folder: string) => Promise<{ release(): Promise<void> }>;
}

export interface MadeCertificate {
  readonly role: Role;
  /** Why the certificate was made; null if it was kept. */
  readonly reason: string | null;
}

export interface CertificatesMade {
  readonly certificates: readonly MadeCertificate[];
  /** A problem that `initCertificates` cannot solve; null if there is none. */
  readonly warning: string | null;
}

export const defaultHosts: readonly string[] = ["coordinator", "localhost", "127.0.0.1"];

const rolesWithToken: readonly Role[] = ["coordinator", "worker"];

/** @throws UserError if the folder holds something else, the CA cannot sign, or a needed CA key is missing */
export async function initCertificates(options: CertificatesOptions): Promise<CertificatesMade> {
  const { folder, nowMs, lock = waitForLock } = options;
  // A valid folder is not written to: it may be read-only.
  const authority = await readAuthority(folder, nowMs);
  if (authority !== null) {
    const certificates = await checkCertificates(authority, options);
    const isSound = certificates.every(({ reason }) => reason === null) && (await lackingToken(folder)).length === 0;
    if (isSound) return { certificates, warning: warningOf(authority, options) };
  }
  const caFolder = join(folder, authorityFolder);
  await makeFolder(caFolder, { mode: 0o700 });
  const held = await lock(caFolder);
  try {
    return await make(options);
  } finally {
    await held.release();
  }
}

const lockTimeoutMs = 30_000;

/** Containers that start together may call `initCertificates` at the same time. */
async function waitForLock(folder: string): Promise<LockFile> {
  const deadline = performance.now() + lockTimeoutMs;
  try {
    return await retry(() => acquireLock(join(folder, ".lock")), {
      signal: new AbortController().signal,
      backoff: backoff({ baseMs: 50, maxMs: 500, factor: 2, jitter: Math.random }),
      shouldRetry: (error) => error instanceof UserError && performance.now() < deadline,
    });
  } catch (error) {
    const what = error instanceof UserError ? "another `lockstep certs init` is writing there" : "cannot be written to";
    throw new UserError(`${folder}: ${what}`, { cause: error });
  }
}

/** Checks the certificates again, with the lock held: another process may have changed them. */
async function make(options: CertificatesOptions): Promise<CertificatesMade> {
  const { folder, nowMs } = options;
  const authority = (await readAuthority(folder, nowMs)) ?? (await makeAuthority(folder, nowMs));
  const certificates = await checkCertificates(authority, options);
  for (const { role, reason } of certificates) {
    if (reason !== null) await makeCertificate(role, authority, options);
  }
  await shareToken(folder);
  return { certificates, warning: warningOf(authority, options) };
}

async function checkCertificates(authority: Authority, options: CertificatesOptions): Promise<MadeCertificate[]> {
  const certificates: MadeCertificate[] = [];
  for (const role of roles) certificates.push({ role, reason: await whyMade(role, authority.certificate, options) });
  return certificates;
}

function warningOf({ certificate }: Authority, { folder, nowMs }: CertificatesOptions): string | null {
  if (!isNearExpiry(validityOf(certificate), nowMs)) return null;
  const path = join(folder, authorityFolder, authorityFiles.certificate);
  return `${path}: the CA and all its certificates expire on ${certificate.validTo}; make a new CA in another folder, and trust both for a time`;
}

/** @returns null if the role's certificate is valid */
async function whyMade(role: Role, authority: X509Certificate, options: CertificatesOptions): Promise<string | null> {
  const { folder, hosts, renew, nowMs } = options;
  const certificate = await textIn(folder, role, tlsFiles.certificate);
  if (certificate === null) return "new";
  if (renew) return "renewed";
  try {
    readTlsFolder({ folder: join(folder, role), role }, nowMs);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  const own = new X509Certificate(certificate);
  if (!isIssuedBy(own, authority)) return "another CA had signed it";
  if ((await trustedIn(folder, role, authority)) === null) return "its ca.crt was another";
  const validity = validityOf(own);
  // A new certificate could not be valid for longer than its CA.
  const endsWithAuthority = validity.notAfterMs >= validityOf(authority).notAfterMs;
  if (isNearExpiry(validity, nowMs) && !endsWithAuthority) return "it was about to expire";
  if (role !== "coordinator" || hosts === undefined) return null;
  const former = new Set(hostsOf(own.subjectAltName));
  const wanted = new Set(hosts.map(canonicalHost));
  const isSame = former.size === wanted.size && [...wanted].every((host) => former.has(host));
  return isSame ? null : `it was for ${[...former].join(", ")}`;
}

/** @returns the role's ca.crt if it holds the CA, maybe with others while a CA is replaced; else null */
async function trustedIn(folder: string, role: Role, authority: X509Certificate): Promise<string | null> {
  const text = await textIn(folder, role, tlsFiles.ca);
  if (text === null) return null;
  try {
    const trusted = parseCertificates(Buffer.from(text), join(folder, role, tlsFiles.ca));
    return trusted.some(({ fingerprint256 }) => fingerprint256 === authority.fingerprint256) ? text : null;
  } catch (error) {
    if (error instanceof UserError) return null; // a damaged file: it is being replaced
    throw error;
  }
}

async function makeCertificate(
  role: Role,
  { certificate, key }: Authority,
  options: CertificatesOptions,
): Promise<void> {
  const { folder, nowMs, days } = options;
  if (key === null) {
    throw new UserError(
      `${join(folder, authorityFolder, authorityFiles.key)}: is missing, and is needed to sign the certificate for ${role}`,
    );
  }
  const issued = await issueCertificate(
    { certificate: certificate.toString(), key },
    {
      role,
      hosts: role === "coordinator" ? (options.hosts ?? (await formerHosts(folder)) ?? defaultHosts) : [],
      notBeforeMs: nowMs - backdatedMs,
      notAfterMs: nowMs + days * dayMs,
    },
  );
  const ca = (await trustedIn(folder, role, certificate)) ?? certificate.toString();
  await writeTlsFolder(join(folder, role), { ...issued, ca });
}

/** The key is written before its certificate. A process that reads in between finds that they do not match, and keeps its old pair. */
async function writeTlsFolder(folder: string, files: KeyedCertificate & { readonly ca: string }): Promise<void> {
  await writeFileIn({ folder, name: tlsFiles.ca, text: files.ca, mode: 0o644 });
  await writeFileIn({ folder, name: tlsFiles.key, text: files.key, mode: 0o600 });
  await writeFileIn({ folder, name: tlsFiles.certificate, text: files.certificate, mode: 0o644 });
}

async function formerHosts(folder: string): Promise<readonly string[] | null> {
  const certificate = await textIn(folder, "coordinator", tlsFiles.certificate);
  if (certificate === null) return null;
  try {
    const hosts = hostsOf(new X509Certificate(certificate).subjectAltName);
    return hosts.length > 0 ? hosts : null;
  } catch {
    return null; // a damaged file: it is being replaced
  }
}

/** Gives every role the coordinator's join token. */
async function shareToken(folder: string): Promise<void> {
  const text =
    (await textIn(folder, "coordinator", tlsFiles.joinToken)) ?? `${randomBytes(32).toString("base64url")}\n`;
  for (const role of await lackingToken(folder, text)) {
    await writeFileIn({ folder: join(folder, role), name: tlsFiles.joinToken, text, mode: 0o600 });
  }
}

async function lackingToken(folder: string, token?: string): Promise<Role[]> {
  const wanted = token ?? (await textIn(folder, "coordinator", tlsFiles.joinToken));
  const lacking: Role[] = [];
  for (const role of rolesWithToken) {
    const own = await textIn(folder, role, tlsFiles.joinToken);
    if (own === null || own !== wanted) lacking.push(role);
  }
  return lacking;
}
