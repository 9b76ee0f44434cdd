import assert from "node:assert/strict";
import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { makeFolder } from "./make-folder.js";

describe("making a folder", () => {
  let root = "";
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "lockstep-make-folder-"));
  });
  after(() => rm(root, { recursive: true }));

  test("it is made with those above it, once", async () => {
    const path = join(root, "a", "b", "c");
    assert.equal(await makeFolder(path), true);
    assert.ok((await stat(path)).isDirectory());
    assert.equal(await makeFolder(path), false);
    await symlink(path, join(root, "link"));
    assert.equal(await makeFolder(join(root, "link")), false);
  });

  test("a file in its place, or in its path, is an error", async () => {
    await writeFile(join(root, "file"), "");
    await assert.rejects(makeFolder(join(root, "file")), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(root, "file", "below")), { code: "ENOTDIR" });
  });

  test("a link to nothing is an error", async () => {
    await symlink(join(root, "nowhere"), join(root, "dangling"));
    await assert.rejects(makeFolder(join(root, "dangling")), { code: "EEXIST" });
  });

  test("where a file system makes no folders, it ends with a word", {
    skip: process.platform !== "linux",
  }, async () => {
    const refused = (error: unknown) =>
      error instanceof UserError && /no folder can be made in \/proc/.test(error.message);
    await assert.rejects(makeFolder("/proc/lockstep"), refused);
    await assert.rejects(makeFolder("/proc/lockstep/below"), refused);
  });
});
