import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isPathInside } from "./is-path-inside.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

test("isPathInside follows symbolic links, and accepts paths that do not exist yet", async (context) => {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  await mkdir(data);
  await symlink(data, join(root, "link"));
  for (const folder of [data, join(root, "link")]) {
    for (const path of ["data", "data/out", "data/a/b/c", "link/out", "link/a/b", "data/..out", "other/../link/x"]) {
      assert.equal(await isPathInside(join(root, path), folder), true, `${path} in ${folder}`);
    }
    for (const path of ["", "out", "data-2", "..data", "a/b/c"]) {
      assert.equal(await isPathInside(join(root, path), folder), false, `${path} in ${folder}`);
    }
  }
});
