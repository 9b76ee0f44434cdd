import assert from "node:assert/strict";
import { test } from "node:test";
import { printable } from "./printable.js";

test("characters that control a terminal, break lines or reverse text are escaped", () => {
  assert.equal(
    printable("a\u001b[2J\r\nb\u0007\u007f\u009bc\u202ed\u2028\ud800"),
    "a\\u{1b}[2J\\u{d}\\u{a}b\\u{7}\\u{7f}\\u{9b}c\\u{202e}d\\u{2028}\\u{d800}",
  );
});

test("text of any script stays as it is", () => {
  for (const text of ["gpu-1.local", "Größe 5 %", "ワーカー", "🚀 \\u{1b}"]) assert.equal(printable(text), text);
});
