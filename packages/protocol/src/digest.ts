// Computes the fast digests of wire messages with `xxh3Digest`: XXH3-128 with seed 0, as 32 lower-case hex digits in the
// canonical, big-endian form. They detect damage and differences; they do not protect against an attacker.
import { xxh3 } from "@node-rs/xxhash";

const hexDigits = 32;

/** @param bytes may be in a SharedArrayBuffer */
export function xxh3Digest(bytes: Uint8Array): string {
  return xxh3.xxh128(bytes).toString(16).padStart(hexDigits, "0");
}
