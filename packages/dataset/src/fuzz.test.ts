// Runs the property tests of `npm run fuzz` for a short time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzFolders } from "./testing/fuzz-folders.js";
import { fuzzImages } from "./testing/fuzz-images.js";
import { fuzzLabelFiles } from "./testing/fuzz-label-files.js";

const seed = 1;

test("a damaged label file is read completely or is refused with a message of one line", () => {
  const { accepted, refused, repaired } = fuzzLabelFiles({ runs: 600, seed });
  assert.ok(accepted > 50 && refused > 50 && repaired > 0, `${[accepted, refused, repaired]}`);
});

test("a damaged image is decoded or is refused with a message of one line, and imageProblem accepts no image that does not decode", async () => {
  const { usable, unusable } = await fuzzImages({ runs: 250, seed });
  assert.ok(usable > 20 && unusable > 20, `${[usable, unusable]}`);
});

test("every row of a damaged folder is a sample or is skipped, or the folder is refused with a message of one line", async () => {
  const { opened, refused, skipped } = await fuzzFolders({ runs: 40, seed });
  assert.ok(opened > 10 && refused > 3 && skipped > 10, `${[opened, refused, skipped]}`);
});
