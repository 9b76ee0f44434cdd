// Writes, reads and hashes any number of bytes in pieces with `writeAll`, `readAll` and `hashAll`. One system call may write
// or read fewer bytes than requested, and Node refuses more than 2 GiB - 1 bytes in one call.
import type { Hash } from "node:crypto";
import { writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

const pieceBytes = 64 * 1024 * 1024;

/** Writes all bytes, starting at `position`; at the file's current position when it is null. */
export async function writeAll(
  file: Pick<FileHandle, "write">,
  bytes: Uint8Array,
  position: number | null = null,
): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(pieceBytes, bytes.byteLength - done);
    const { bytesWritten } = await file.write(bytes, done, length, position === null ? null : position + done);
    done += bytesWritten;
  }
}

/** Writes all bytes at the file's current position, or at its end when the file was opened to append. */
export function writeAllSync(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(file, bytes, done, Math.min(pieceBytes, bytes.byteLength - done));
  }
}

/**
 * Fills `into` with the file's bytes that start at `position`.
 * @returns how many bytes were read; fewer than requested only when the file ends
 */
export async function readAll(file: Pick<FileHandle, "read">, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.byteLength) {
    const length = Math.min(pieceBytes, into.byteLength - done);
    const { bytesRead } = await file.read(into, done, length, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Updates the hash with all bytes. @returns the hash */
export function hashAll(hash: Hash, bytes: Uint8Array): Hash {
  for (let first = 0; first < bytes.byteLength; first += pieceBytes) {
    hash.update(bytes.subarray(first, first + pieceBytes));
  }
  return hash;
}
