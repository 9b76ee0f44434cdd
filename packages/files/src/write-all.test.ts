import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs, { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hashAll, readAll, writeAll, writeAllSync } from "./write-all.js";

/** More than Node accepts in one call. No test writes to an array of this size, so that it takes no memory. */
const largeBytes = 2 ** 31 + 100;

/** A fake file of sizeBytes bytes that writes or reads at most mostBytes bytes in one call. */
function fileOf(sizeBytes: number, mostBytes: number) {
  const calls: { readonly offset: number; readonly length: number; readonly position: number | null }[] = [];
  return {
    calls,
    async write(_bytes: unknown, offset: number, length: number, position: number | null) {
      assert.ok(length < 2 ** 31);
      calls.push({ offset, length, position });
      return { bytesWritten: Math.min(length, mostBytes) };
    },
    async read(_bytes: unknown, offset: number, length: number, position: number) {
      assert.ok(length < 2 ** 31);
      calls.push({ offset, length, position });
      return { bytesRead: Math.max(0, Math.min(length, mostBytes, sizeBytes - position)) };
    },
  };
}

test("writeAll writes all bytes in order when a system call writes only a part", async () => {
  const file = fileOf(0, 4);
  await writeAll(file as never, new Uint8Array(10));
  await writeAll(file as never, new Uint8Array(5), 100);
  assert.deepEqual(file.calls, [
    { offset: 0, length: 10, position: null },
    { offset: 4, length: 6, position: null },
    { offset: 8, length: 2, position: null },
    { offset: 0, length: 5, position: 100 },
    { offset: 4, length: 1, position: 104 },
  ]);
});

test("readAll reads until the array is full or the file ends", async () => {
  assert.equal(await readAll(fileOf(100, 7) as never, new Uint8Array(20), 50), 20);
  assert.equal(await readAll(fileOf(60, 7) as never, new Uint8Array(20), 50), 10);
});

test("writeAll, readAll and hashAll work in pieces on more than 2 GiB", async () => {
  const bytes = new Uint8Array(largeBytes);
  const file = fileOf(largeBytes, 2 ** 30);
  await writeAll(file as never, bytes);
  const { offset, length } = file.calls.at(-1) ?? { offset: 0, length: 0 };
  assert.equal(offset + length, largeBytes);
  assert.equal(await readAll(file as never, bytes, 0), largeBytes);
  // A part of more than one piece is enough to show that the digest does not depend on the pieces.
  const part = new Uint8Array(2 ** 26 + 3).fill(7);
  assert.equal(hashAll(createHash("sha256"), part).digest("hex"), createHash("sha256").update(part).digest("hex"));
  let hashed = 0;
  hashAll({ update: (piece: Uint8Array) => (hashed += piece.byteLength) } as never, bytes);
  assert.equal(hashed, largeBytes);
});

test("writeAllSync continues after a short write", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-write-"));
  const real = fs.writeSync as (...args: unknown[]) => number;
  context.mock.method(fs, "writeSync", (file: number, bytes: Uint8Array, offset: number, length: number) =>
    real(file, bytes, offset, Math.min(length, 3)),
  );
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, "a");
  writeAllSync(openSync(path, "a"), Buffer.from("a text of some length"));
  assert.equal(readFileSync(path, "utf8"), "a text of some length");
});
