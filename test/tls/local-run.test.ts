// A run on one machine has no certificates: its processes meet on a socket that only its owner may open.
import assert from "node:assert/strict";
import { lstat, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { holdStep, needsTorch, startCluster, temporaryFolder } from "@lockstep/testkit";

test("train's processes meet on a unix socket, owner-only in an owner-only folder", {
  skip: needsTorch(),
}, async () => {
  const folder = await temporaryFolder();
  const cluster = startCluster({ out: join(folder.path, "run"), flags: { workers: 1 }, faults: holdStep(3, 1) });
  try {
    await cluster.step(3);
    const flagOf = async (role: "coordinator" | "worker", flag: string): Promise<string> => {
      const { pid } = await cluster.processOf(role);
      const args = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
      assert.deepEqual(
        args.filter((arg) => arg === "--tls" || arg === "--insecure" || arg === "--health-listen"),
        [],
      );
      return args[args.indexOf(flag) + 1] ?? "";
    };
    const address = await flagOf("coordinator", "--listen");
    assert.equal(await flagOf("worker", "--coordinator"), address);
    assert.match(address, /^unix:\//);
    const path = address.slice("unix:".length);
    const [socket, around] = [await lstat(path), await lstat(dirname(path))];
    assert.ok(socket.isSocket());
    assert.equal(socket.mode & 0o777, 0o600);
    assert.equal(around.mode & 0o777, 0o700);
    assert.equal(around.uid, process.getuid?.());
    assert.equal((await cluster.result()).completed, true);
  } finally {
    await cluster.dispose();
    await folder.remove();
  }
});
