// A join token without certificates: on plain loopback it keeps the machine's other users out, whatever they call.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { flagArguments, needsTorch, runLockstep, startLockstep, temporaryFolder, tinyRun } from "@lockstep/testkit";

const { workers: _, ...spec } = tinyRun;

test("whoever has the token's file watches and stops a run on plain loopback, and nobody else", {
  skip: needsTorch(),
}, async () => {
  const folder = await temporaryFolder();
  const tokenFile = join(folder.path, "token");
  await writeFile(tokenFile, "a-token-of-this-test-alone");
  const out = join(folder.path, "run");
  const token = ["--join-token-file", tokenFile];
  const common = flagArguments({ ...spec, out, "cache-dir": join(folder.path, "cache"), json: true });
  const coordinator = startLockstep(["coordinator", "--listen", "127.0.0.1:0", ...common, ...token]);
  try {
    const [, address = ""] = await coordinator.waitForStderr(/listening on (\S+)/);
    for (const command of ["status", "stop"]) {
      const { code, stdout, stderr } = await runLockstep([command, "--coordinator", address]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^lockstep: --coordinator \S+: no join token was sent; give it by --join-token-file\n$/);
    }
    assert.match(
      (await runLockstep(["status", "--coordinator", address, ...token])).stdout,
      /: waiting .*step 0 of 22\n/,
    );

    const watch = ["exporter", "--coordinator", address, "--listen", "127.0.0.1:0", "--log-level", "info"];
    const stranger = startLockstep(watch);
    const exporter = startLockstep([...watch, ...token]);
    try {
      await stranger.waitForStderr(/no events from the coordinator at \S+: .*no join token was sent/);
      await exporter.waitForStderr(/receiving the coordinator's events/);
    } finally {
      await Promise.all([stranger.dispose(), exporter.dispose()]);
    }

    const stopped = await runLockstep(["stop", "--coordinator", address, ...token]);
    assert.equal(stopped.code, 0, stopped.stderr);
    assert.equal((await coordinator.ended()).code, 0);
  } finally {
    await coordinator.dispose();
    await folder.remove();
  }
});
