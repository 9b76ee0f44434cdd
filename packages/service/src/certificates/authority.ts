// Makes certificates: a private CA, and certificates of a role that it signs. EC P-256 keys, SHA-256. certificates-folder.ts writes the
// files.
import { createPrivateKey, createPublicKey, KeyObject, webcrypto, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type Role, roleUri } from "../tls/role.js";

/** PEM texts. */
export interface KeyedCertificate {
  readonly certificate: string;
  /** PKCS #8. */
  readonly key: string;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const;

/** Loaded when a certificate is made, and not by a process that only uses one. */
async function loadX509() {
  await import("reflect-metadata"); // the library resolves its algorithms through it
  return import("@peculiar/x509");
}

/** PKCS #8, PEM. */
export async function createAuthorityKey(): Promise<string> {
  return pkcs8((await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"])).privateKey);
}

/** @param key its key; default: a new one */
export async function createAuthority(name: string, validity: Validity, key?: string): Promise<KeyedCertificate> {
  const x509 = await loadX509();
  const keys = await importKeyPair(key ?? (await createAuthorityKey()));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    ...dates(validity),
    signingAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: pkcs8(keys.privateKey) };
}

export interface CertificateRequest extends Validity {
  readonly role: Role;
  /** Names and IP addresses that clients reach it by; none for a role that only connects. */
  readonly hosts: readonly string[];
}

/** Never valid for longer than the authority. */
export async function issueCertificate(
  authority: KeyedCertificate,
  request: CertificateRequest,
): Promise<KeyedCertificate> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const notAfterMs = Math.min(request.notAfterMs, issuer.notAfter.getTime());
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const hosts = request.hosts.map((host) => ({
    type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
    value: host,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [`lockstep ${request.role}`] }],
    issuer: issuer.subject,
    ...dates({ notBeforeMs: request.notBeforeMs, notAfterMs }),
    signingAlgorithm,
    publicKey: keys.publicKey,
    signingKey: await importSigningKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // Only the coordinator serves. It is a client too, where it checks its own health.
      new x509.ExtendedKeyUsageExtension(request.role === "coordinator" ? [serverAuth, clientAuth] : [clientAuth]),
      new x509.SubjectAlternativeNameExtension([...hosts, { type: "url", value: roleUri(request.role) }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: pemOf(certificate), key: pkcs8(keys.privateKey) };
}

/** Whether the authority signed it. Dates are not checked. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function dates({ notBeforeMs, notAfterMs }: Validity) {
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}

/** Ends with a line end, so that files may be joined by `cat`. */
function pemOf(certificate: { toString(format: "pem"): string }): string {
  return `${certificate.toString("pem").trimEnd()}\n`;
}

function pkcs8(key: webcrypto.CryptoKey): string {
  return String(KeyObject.from(key).export({ type: "pkcs8", format: "pem" }));
}

async function importKeyPair(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const spki = createPublicKey(pem).export({ type: "spki", format: "der" });
  return {
    privateKey: await importSigningKey(pem, true),
    publicKey: await webcrypto.subtle.importKey("spki", spki, keyAlgorithm, true, ["verify"]),
  };
}

function importSigningKey(pem: string, extractable = false): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, keyAlgorithm, extractable, ["sign"]);
}
