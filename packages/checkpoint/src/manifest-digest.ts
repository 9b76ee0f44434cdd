// Computes the manifest's digest of its own fields (`withDigest`, `hasValidDigest`). The digest is the last field. It detects
// a flipped bit in a number, which would otherwise be a valid manifest.
import { createHash } from "node:crypto";

/** SHA-256 (hex) of the fields' JSON in their order. A parser keeps the order, so that a reader gets the same digest. */
export function manifestDigest(fields: object): string {
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

/** The manifest with its digest as the last field. */
export function withDigest<T extends object>(fields: T): T & { readonly manifestSha256: string } {
  return { ...fields, manifestSha256: manifestDigest(fields) };
}

/** Whether a parsed manifest's last field is the digest of the others. */
export function hasValidDigest(manifest: object & { readonly manifestSha256?: unknown }): boolean {
  const { manifestSha256, ...fields } = manifest;
  return manifestSha256 === manifestDigest(fields);
}
