import assert from "node:assert/strict";
import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { makeFolder } from "./make-folder.js";

describe("makeFolder", () => {
  let root = "";
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "lockstep-make-folder-"));
  });
  after(() => rm(root, { recursive: true }));

  test("makes the folder and the folders above it, and reports whether it made it", async () => {
    const path = join(root, "a", "b", "c");
    assert.equal(await makeFolder(path), true);
    assert.ok((await stat(path)).isDirectory());
    assert.equal(await makeFolder(path), false);
    await symlink(path, join(root, "link"));
    assert.equal(await makeFolder(join(root, "link")), false);
  });

  test("rejects when a file is in its place or in its path", async () => {
    await writeFile(join(root, "file"), "");
    await assert.rejects(makeFolder(join(root, "file")), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(root, "file", "below")), { code: "ENOTDIR" });
  });

  test("rejects when its path is a link to nothing", async () => {
    await symlink(join(root, "nowhere"), join(root, "dangling"));
    await assert.rejects(makeFolder(join(root, "dangling")), { code: "EEXIST" });
  });

  test("rejects with a UserError where the file system allows no new folders", {
    skip: process.platform !== "linux",
  }, async () => {
    const refused = (error: unknown) =>
      error instanceof UserError && /no folder can be made in \/proc/.test(error.message);
    await assert.rejects(makeFolder("/proc/lockstep"), refused);
    await assert.rejects(makeFolder("/proc/lockstep/below"), refused);
  });
});
