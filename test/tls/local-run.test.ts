// A run on one machine has no certificates: its processes use a unix socket that only its owner can open.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runFiles } from "@lockstep/cli";
import { holdStep, needsTorch, startCluster, temporaryFolder } from "@lockstep/testkit";

test("the processes of train use a unix socket that no other user can open", { skip: needsTorch() }, async () => {
  const folder = await temporaryFolder();
  // Every user may enter the folders: only the socket itself keeps others out.
  await chmod(folder.path, 0o755);
  const out = join(folder.path, "run");
  const cluster = startCluster({ out, flags: { workers: 1 }, faults: holdStep(3, 1) });
  try {
    await cluster.step(3);
    const path = join(out, runFiles.socket);
    const listening = (await cluster.log("coordinator")).find(({ msg }) => msg === "coordinator is listening");
    assert.equal(listening?.["address"], `unix:${path}`);
    const socket = await lstat(path);
    assert.ok(socket.isSocket());
    assert.equal(socket.mode & 0o777, 0o600);
    assert.equal(socket.uid, process.getuid?.());
    if (process.getuid?.() === 0) assert.equal(connectAsNobody(path), "EACCES");
    for (const role of ["coordinator", "worker"] as const) {
      const { pid } = await cluster.processOf(role);
      const args = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
      assert.deepEqual(
        args.filter((arg) => arg === "--tls" || arg === "--insecure" || arg === "--health-listen"),
        [],
      );
    }
    assert.equal((await cluster.result()).completed, true);
  } finally {
    await cluster.dispose();
    await folder.remove();
  }
});

/** @returns the error code, or "connected" */
function connectAsNobody(path: string): string {
  const source = `require("node:net").connect(${JSON.stringify(path)})
    .once("connect", () => { console.log("connected"); process.exit(); })
    .once("error", ({ code }) => console.log(code));`;
  const nobody = { uid: 65534, gid: 65534 };
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", source], { ...nobody, cwd: "/", encoding: "utf8" });
  return stdout.trim() || stderr;
}
