import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs, { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hashAll, readAll, writeAll, writeAllSync } from "./write-all.js";

/** More than Node takes in one call. Nobody writes to these bytes: they take no memory. */
const largeBytes = 2 ** 31 + 100;

/** A file that takes and gives at most so many bytes a call. */
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

test("bytes that the system takes in parts are all written, in order", async () => {
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

test("bytes are read until all are there or the file ends", async () => {
  assert.equal(await readAll(fileOf(100, 7) as never, new Uint8Array(20), 50), 20);
  assert.equal(await readAll(fileOf(60, 7) as never, new Uint8Array(20), 50), 10);
});

test("more than 2 GiB are written, read and hashed in pieces", async () => {
  const bytes = new Uint8Array(largeBytes);
  const file = fileOf(largeBytes, 2 ** 30);
  await writeAll(file as never, bytes);
  const { offset, length } = file.calls.at(-1) ?? { offset: 0, length: 0 };
  assert.equal(offset + length, largeBytes);
  assert.equal(await readAll(file as never, bytes, 0), largeBytes);
  // The hash of any larger part is as well made of pieces: one is enough to show that the pieces join.
  const part = new Uint8Array(2 ** 26 + 3).fill(7);
  assert.equal(hashAll(createHash("sha256"), part).digest("hex"), createHash("sha256").update(part).digest("hex"));
  let hashed = 0;
  hashAll({ update: (piece: Uint8Array) => (hashed += piece.byteLength) } as never, bytes);
  assert.equal(hashed, largeBytes);
});

test("a short write of the synchronous writer is continued", (context) => {
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
