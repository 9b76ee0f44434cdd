import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { prepareOutputFolder } from "./output-folder.js";

test("a link to a folder is followed, and a mount point is refused before the work", async (context) => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "lockstep-out-")));
  context.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, "empty"));
  await symlink("empty", join(root, "link"));
  assert.equal(await prepareOutputFolder("--out", join(root, "link")), join(root, "empty"));
  assert.equal(await prepareOutputFolder("--out", join(root, "link", "new")), join(root, "empty", "new"));
  const disk = join(root, "disk");
  await mkdir(disk);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "lockstep-test", disk]).status !== 0) {
    context.diagnostic("no file system can be mounted here");
    return;
  }
  try {
    await assert.rejects(prepareOutputFolder("--out", disk), {
      message: `--out ${disk}: is a mount point, which cannot be replaced; name a folder in it`,
    });
    assert.equal(await prepareOutputFolder("--out", join(disk, "new")), join(disk, "new"));
  } finally {
    spawnSync("umount", [disk]);
  }
});
