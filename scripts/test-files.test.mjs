import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { affectedTests, testFiles } from "./test-files.mjs";

const root = mkdtempSync(join(tmpdir(), "lockstep-test-files-"));
after(() => rmSync(root, { recursive: true, force: true }));

const files = {
  "packages/a/src/leaf.ts": "export const leaf = 1;",
  "packages/a/src/middle.ts": 'import { leaf } from "./leaf.js"; export const middle = leaf;',
  "packages/a/src/middle.test.ts": 'import { middle } from "./middle.js"; middle;',
  "packages/a/src/other.test.ts": "export {};",
  "packages/a/dist/middle.test.js": "",
  "packages/a/dist/other.test.js": "",
  "packages/a/dist/removed.test.js": "",
  "packages/b/src/user.test.ts": 'import { middle } from "@lockstep/a"; middle;',
  "packages/b/dist/user.test.js": "",
  "scripts/tool.mjs": "export const tool = 1;",
  "scripts/tool.test.mjs": 'import { tool } from "./tool.mjs"; tool;',
  "test/cluster/run.test.ts": "export {};",
  "test/dist/cluster/run.test.js": "",
};
for (const [path, text] of Object.entries(files)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

test("every compiled test whose source exists is listed, packages first", () => {
  assert.deepEqual(testFiles(root), [
    "packages/a/dist/middle.test.js",
    "packages/a/dist/other.test.js",
    "packages/b/dist/user.test.js",
    "scripts/tool.test.mjs",
    "test/dist/cluster/run.test.js",
  ]);
});

test("a change affects the tests that import it through files of the same package", () => {
  assert.deepEqual(affectedTests(root, ["packages/a/src/leaf.ts"]), ["packages/a/dist/middle.test.js"]);
  assert.deepEqual(affectedTests(root, ["scripts/tool.mjs"]), ["scripts/tool.test.mjs"]);
});

test("a changed test affects itself", () => {
  assert.deepEqual(affectedTests(root, ["packages/a/src/other.test.ts", "test/cluster/run.test.ts"]), [
    "packages/a/dist/other.test.js",
    "test/dist/cluster/run.test.js",
  ]);
});
