// No page of the documentation links to what is not there.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { brokenLinks, readPage, root } from "./page.js";

test("links lead to files of this clone and to headings of their pages", async () => {
  const pages = (
    await Promise.all(["", "docs", "packages", "deploy", "k8s", "scripts", ".github"].map(pagesIn))
  ).flat();
  assert.ok(pages.length > 30);
  const broken: string[] = [];
  for (const path of pages) {
    for (const link of await brokenLinks(await readPage(path))) broken.push(`${path}: ${link}`);
  }
  assert.deepEqual(broken, []);
});

/** Markdown files of a folder: of the root and of packages one level, of others all. */
async function pagesIn(folder: string): Promise<string[]> {
  const names =
    folder === "packages"
      ? (await readdir(join(root, folder))).map((name) => join(name, "README.md"))
      : await readdir(join(root, folder), { recursive: folder !== "" });
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
}
