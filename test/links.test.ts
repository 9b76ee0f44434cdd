// No page of the documentation links to what is not there.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { brokenLinks, readPage, root } from "./page.js";

test("links lead to files of this clone and to headings of their pages", async () => {
  const names = await readdir(join(root, "docs"), { recursive: true });
  const pages = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    ...names.filter((name) => name.endsWith(".md")).map((name) => join("docs", name)),
  ];
  assert.ok(pages.length > 10);
  const broken: string[] = [];
  for (const path of pages) {
    for (const link of await brokenLinks(await readPage(path))) broken.push(`${path}: ${link}`);
  }
  assert.deepEqual(broken, []);
});
