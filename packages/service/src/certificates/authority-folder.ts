// `readAuthority` reads the CA of a certificates folder, `ca/{ca.crt,ca.key}`, and checks that it can sign; `makeAuthority` makes one.
import type { X509Certificate } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { roles } from "../tls/role.js";
import { parseCertificates, parseKey, validityOf } from "../tls/tls-folder.js";
import { dayMs } from "../tls/tls-identity.js";
import { createAuthority, createAuthorityKey } from "./authority.js";
import { textIn, writeFileIn } from "./certificate-files.js";

export const authorityFolder = "ca";
export const authorityFiles = { certificate: "ca.crt", key: "ca.key" } as const;
/** Certificates are valid from this long before they are made, because clocks of machines differ. */
export const backdatedMs = 5 * 60 * 1000;

const authorityName = "Lockstep CA";
const authorityDays = 3650;
/** A new volume holds this folder. */
const ignoredEntries = new Set(["lost+found"]);

export interface Authority {
  readonly certificate: X509Certificate;
  /** PEM; null if the key is kept elsewhere. */
  readonly key: string | null;
}

/**
 * @returns null if a new CA may be made
 * @throws UserError if the CA cannot sign, or if the folder holds something else
 */
export async function readAuthority(folder: string, nowMs: number): Promise<Authority | null> {
  const text = await textIn(folder, authorityFolder, authorityFiles.certificate);
  if (text !== null) {
    const key = await textIn(folder, authorityFolder, authorityFiles.key);
    return checkedAuthority({ text, key }, { folder: join(folder, authorityFolder), nowMs });
  }
  const others = await foreignEntries(folder);
  if (others.length === 0) return null;
  // Another process may have made it in the meantime.
  if ((await textIn(folder, authorityFolder, authorityFiles.certificate)) !== null) return readAuthority(folder, nowMs);
  const what = others.slice(0, 3).join(", ");
  throw new UserError(
    `${folder}: holds ${what}, and no ${authorityFolder}/${authorityFiles.certificate}; choose an empty folder, or put its CA back`,
  );
}

/** The caller holds the folder's lock. An existing key, whose maker was killed, is used. */
export async function makeAuthority(parent: string, nowMs: number): Promise<Authority> {
  const folder = join(parent, authorityFolder);
  const formerKey = await textIn(folder, authorityFiles.key);
  const key = formerKey ?? (await createAuthorityKey());
  if (formerKey === null) await writeFileIn({ folder, name: authorityFiles.key, text: key, mode: 0o600 });
  checkKey(key, join(folder, authorityFiles.key));
  const validity = { notBeforeMs: nowMs - backdatedMs, notAfterMs: nowMs + authorityDays * dayMs };
  const { certificate: text } = await createAuthority(authorityName, validity, key);
  // The certificate is written last: it marks the CA as complete.
  await writeFileIn({ folder, name: authorityFiles.certificate, text, mode: 0o644 });
  return checkedAuthority({ text, key }, { folder, nowMs });
}

function checkedAuthority(
  { text, key }: { readonly text: string; readonly key: string | null },
  { folder, nowMs }: { readonly folder: string; readonly nowMs: number },
): Authority {
  const path = join(folder, authorityFiles.certificate);
  const [certificate, ...others] = parseCertificates(Buffer.from(text), path);
  if (others.length > 0) {
    throw new UserError(`${path}: holds ${others.length + 1} certificates; it must hold the one of ca.key alone`);
  }
  if (!certificate.ca) throw new UserError(`${path}: is no certificate of a CA`);
  const { notBeforeMs, notAfterMs } = validityOf(certificate);
  if (nowMs < notBeforeMs) {
    throw new UserError(`${path}: is not valid before ${certificate.validFrom}; check this machine's clock`);
  }
  if (nowMs > notAfterMs) {
    throw new UserError(`${path}: expired on ${certificate.validTo}; make a new CA in an empty folder`);
  }
  if (key !== null) {
    const keyPath = join(folder, authorityFiles.key);
    if (!certificate.checkPrivateKey(checkKey(key, keyPath))) {
      throw new UserError(`${keyPath}: is not the key of ${path}; both must be of one CA`);
    }
  }
  return { certificate, key };
}

function checkKey(pem: string, path: string) {
  const key = parseKey(Buffer.from(pem), path);
  const kind = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType;
  if (kind !== "prime256v1") throw new UserError(`${path}: is a key of the kind ${kind}; must be an EC P-256 key`);
  return key;
}

async function foreignEntries(folder: string): Promise<string[]> {
  const others: string[] = [];
  for (const name of await entriesOf(folder)) {
    // Each role's folder may be a separate volume, which is empty at first.
    const isEmptyRole = roles.some((role) => role === name) && (await entriesOf(join(folder, name))).length === 0;
    if (name !== authorityFolder && !isEmptyRole) others.push(name);
  }
  return others;
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(absentAsEmpty)).filter((name) => !ignoredEntries.has(name));
}

function absentAsEmpty(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  if (error.code === "ENOTDIR") throw new UserError(`${error.path}: is no folder`);
  throw error;
}
