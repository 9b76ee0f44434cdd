// Owns the folder that `lockstep certs init` writes: a private CA, and for each role a TLS folder as its processes take it.
//
//   ca/{ca.crt,ca.key}    {coordinator,worker,exporter,operator}/{ca.crt,tls.crt,tls.key}    {coordinator,worker}/join-token
//
// Run again, it keeps what is sound and makes the rest: it may be the first step of every start.
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { canonicalHost, hostsOf, type Role, roleOf, roles } from "../tls/role.js";
import { parseCertificates, readTlsFolder, tlsFiles, validityOf } from "../tls/tls-folder.js";
import { dayMs, nearExpiryMs } from "../tls/tls-identity.js";
import { createAuthority, isIssuedBy, issueCertificate, type KeyedCertificate } from "./authority.js";

export interface CertificatesOptions {
  readonly folder: string;
  /** Of the coordinator; left away: those that it has, or the default. */
  readonly hosts?: readonly string[] | undefined;
  /** How long certificates are valid that are made now. */
  readonly days: number;
  /** Make every certificate anew, by the CA that is there. */
  readonly renew: boolean;
  readonly nowMs: number;
}

export interface MadeCertificate {
  readonly role: Role;
  /** Why it was made; null: it was kept. */
  readonly reason: string | null;
}

export const defaultHosts: readonly string[] = ["coordinator", "localhost", "127.0.0.1"];

const authorityFolder = "ca";
const authorityFiles = { certificate: "ca.crt", key: "ca.key" } as const;
const authorityName = "Lockstep CA";
const authorityDays = 3650;
/** Clocks of machines differ. */
const backdatedMs = 5 * 60 * 1000;
const rolesWithToken: readonly Role[] = ["coordinator", "worker"];
/** A volume that was just made holds it. */
const ignoredEntries = new Set(["lost+found"]);

/** @throws UserError for a folder that holds something else, or lacks its CA's key when that is needed */
export async function initCertificates(options: CertificatesOptions): Promise<MadeCertificate[]> {
  const { folder } = options;
  const authority = (await readAuthority(folder)) ?? (await makeAuthority(folder, options));
  const made: MadeCertificate[] = [];
  for (const role of roles) {
    const reason = await whyMade(role, authority.certificate, options);
    if (reason !== null) await makeCertificate(role, authority, options);
    made.push({ role, reason });
  }
  await shareToken(folder);
  return made;
}

interface Authority {
  readonly certificate: string;
  /** Null: kept elsewhere. */
  readonly key: string | null;
}

async function readAuthority(folder: string): Promise<Authority | null> {
  const certificate = await textIn(folder, authorityFolder, authorityFiles.certificate);
  if (certificate !== null) {
    return { certificate, key: await textIn(folder, authorityFolder, authorityFiles.key) };
  }
  const others: string[] = [];
  for (const name of await entriesOf(folder)) {
    // Each role's folder may be a volume of its own, empty at first.
    const isEmptyRole = roles.some((role) => role === name) && (await entriesOf(join(folder, name))).length === 0;
    if (name !== authorityFolder && !isEmptyRole) others.push(name);
  }
  if (others.length > 0) {
    const what = others.slice(0, 3).join(", ");
    throw new UserError(
      `${folder}: holds ${what}, and no ${authorityFolder}/${authorityFiles.certificate}; choose an empty folder, or put its CA back`,
    );
  }
  return null;
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(absentAsEmpty)).filter((name) => !ignoredEntries.has(name));
}

async function makeAuthority(folder: string, { nowMs }: CertificatesOptions): Promise<Authority> {
  const authority = await createAuthority(authorityName, {
    notBeforeMs: nowMs - backdatedMs,
    notAfterMs: nowMs + authorityDays * dayMs,
  });
  // The certificate comes last: with it the CA is complete.
  await writeIn(join(folder, authorityFolder), authorityFiles.key, authority.key, 0o600);
  await writeIn(join(folder, authorityFolder), authorityFiles.certificate, authority.certificate, 0o644);
  return authority;
}

/** Null where the role's certificate is sound. */
async function whyMade(role: Role, authority: string, options: CertificatesOptions): Promise<string | null> {
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
  if (!isIssuedBy(own, new X509Certificate(authority))) return "another CA had signed it";
  if ((await textIn(folder, role, tlsFiles.ca)) !== authority) return "its ca.crt was another";
  if (validityOf(own).notAfterMs - nowMs < nearExpiryMs) return "it was about to expire";
  if (role !== "coordinator" || hosts === undefined) return null;
  const former = new Set(hostsOf(own.subjectAltName));
  const wanted = new Set(hosts.map(canonicalHost));
  const isSame = former.size === wanted.size && [...wanted].every((host) => former.has(host));
  return isSame ? null : `it was for ${[...former].join(", ")}`;
}

async function makeCertificate(
  role: Role,
  { certificate, key }: Authority,
  options: CertificatesOptions,
): Promise<void> {
  const { folder, nowMs, days } = options;
  if (key === null) {
    throw new UserError(
      `${join(folder, authorityFolder, authorityFiles.key)}: is missing, and the certificate for ${role} must be made by it`,
    );
  }
  const issued = await issueCertificate(
    { certificate, key },
    {
      role,
      hosts: role === "coordinator" ? (options.hosts ?? (await formerHosts(folder)) ?? defaultHosts) : [],
      notBeforeMs: nowMs - backdatedMs,
      notAfterMs: nowMs + days * dayMs,
    },
  );
  await writeTlsFolder(join(folder, role), { ...issued, ca: certificate });
}

/** The key comes before its certificate: a process that reads in between sees that they do not fit, and keeps what it has. */
async function writeTlsFolder(folder: string, files: KeyedCertificate & { readonly ca: string }): Promise<void> {
  await writeIn(folder, tlsFiles.ca, files.ca, 0o644);
  await writeIn(folder, tlsFiles.key, files.key, 0o600);
  await writeIn(folder, tlsFiles.certificate, files.certificate, 0o644);
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

/** The coordinator's counts. */
async function shareToken(folder: string): Promise<void> {
  const token =
    (await textIn(folder, "coordinator", tlsFiles.joinToken)) ?? `${randomBytes(32).toString("base64url")}\n`;
  for (const role of rolesWithToken) {
    const former = await textIn(folder, role, tlsFiles.joinToken);
    if (former !== token) await writeIn(join(folder, role), tlsFiles.joinToken, token, 0o600);
  }
}

async function writeIn(folder: string, name: string, text: string, mode: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  const beside = join(folder, `.${name}.${randomBytes(4).toString("hex")}`);
  await writeFile(beside, text, { mode, flag: "wx", flush: true });
  await rename(beside, path);
}

async function textIn(...parts: readonly [string, ...string[]]): Promise<string | null> {
  const path = join(...parts);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new UserError(`${path}: cannot be read`, { cause: error });
  }
}

function absentAsEmpty(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  if (error.code === "ENOTDIR") throw new UserError(`${error.path}: is no folder`);
  throw error;
}

export interface CertificateInfo {
  readonly path: string;
  readonly subject: string;
  /** Null: names none, as a CA does. */
  readonly role: Role | null;
  readonly hosts: readonly string[];
  readonly notAfterMs: number;
  readonly isNearExpiry: boolean;
}

/**
 * Of a folder that initCertificates made, or of one TLS folder.
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
    const [certificate] = parseCertificates(Buffer.from(text), path);
    const { notAfterMs } = validityOf(certificate);
    infos.push({
      path,
      subject: certificate.subject.replaceAll("\n", ", "),
      role: roleOf(certificate.subjectAltName),
      hosts: hostsOf(certificate.subjectAltName),
      notAfterMs,
      isNearExpiry: notAfterMs - nowMs < nearExpiryMs,
    });
  }
  if (infos.length === 0) throw new UserError(`${folder}: holds no certificate; \`lockstep certs init\` makes some`);
  return infos;
}
