// Owns the manifest's digest of itself, which stands in its last field: a flipped bit in a position or a metric would
// otherwise look sound.
import { createHash } from "node:crypto";

/** SHA-256 (hex) of the fields' JSON in their own order. Parsing JSON keeps the order, so a reader gets the same. */
export function manifestDigest(fields: object): string {
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

/** The manifest with its digest as the last field. */
export function sealManifest<T extends object>(fields: T): T & { readonly manifestSha256: string } {
  return { ...fields, manifestSha256: manifestDigest(fields) };
}

/** Whether a parsed manifest still has the digest that it names. */
export function isSealed(manifest: object & { readonly manifestSha256?: unknown }): boolean {
  const { manifestSha256, ...fields } = manifest;
  return manifestSha256 === manifestDigest(fields);
}
