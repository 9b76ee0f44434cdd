// Owns the form of the wire's fast digests: XXH3-128 with seed 0, as 32 lower-case hex digits (the canonical, big-endian
// form). They find damage and disagreement; they are no defence against an adversary.
import { xxh3 } from "@node-rs/xxhash";

const hexDigits = 32;

/** `bytes` may lie in a SharedArrayBuffer. */
export function xxh3Digest(bytes: Uint8Array): string {
  return xxh3.xxh128(bytes).toString(16).padStart(hexDigits, "0");
}
