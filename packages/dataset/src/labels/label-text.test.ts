import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { labelText } from "./label-text.js";

const text = "file,age\nzoë.jpg,3-9\n";
const utf16 = Buffer.from(`\uFEFF${text}`, "utf16le");

describe("the bytes of a label file", () => {
  test("are read as UTF-8 or as UTF-16 of both byte orders, and the byte order mark is removed", () => {
    for (const bytes of [Buffer.from(text), Buffer.from(`\uFEFF${text}`), utf16, Buffer.from(utf16).swap16()]) {
      assert.equal(labelText("labels.csv", bytes), text);
    }
  });

  test("are refused with the type of the file if they are not text", () => {
    const cases: [Uint8Array, RegExp][] = [
      [
        Buffer.from("PK\x03\x04..."),
        /^labels.csv: is a spreadsheet or a ZIP archive, not a label file; export it as CSV text/,
      ],
      [Buffer.from([0xff, 0xd8, 0xff, 0xe0]), /is a JPEG image/],
      [Buffer.from([0x1f, 0x8b, 8]), /is gzip-compressed/],
      [Buffer.from("zoë", "latin1"), /is not UTF-8 text/],
      [utf16.subarray(2), /holds a NUL at byte 1: it is damaged, or UTF-16 without a byte order mark/],
      [Buffer.from("file\na\0b"), /holds a NUL at byte 6/],
      [utf16.subarray(0, 7), /is not UTF-16LE text/],
    ];
    for (const [bytes, expected] of cases) {
      assert.throws(
        () => labelText("labels.csv", bytes),
        (error: unknown) => error instanceof UserError && expected.test(error.message),
      );
    }
  });
});
