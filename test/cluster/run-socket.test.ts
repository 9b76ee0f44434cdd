// Where the socket of a run is, and what happens when it is removed, when there is no place for it, and without a home folder.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { access, chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  flagArguments,
  needsTorch,
  runCluster,
  runLockstep,
  startCluster,
  temporaryFolder,
  tinyRun,
} from "@lockstep/testkit";

const deadlineMs = 120_000;
const lockstep = fileURLToPath(new URL("../../../packages/cli/bin/lockstep.js", import.meta.url));

describe("the socket of a run", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());
  const train = (out: string, env: Record<string, string>, cache = "cache") => {
    const flags = { ...tinyRun, out, "cache-dir": join(folder.path, cache), json: true as const };
    return runLockstep(["train", ...flagArguments(flags)], { env, deadlineMs });
  };

  test("is made again when it is removed: a worker that is killed then comes back, and the bits are the same", async () => {
    const undisturbed = await runCluster({ out: join(folder.path, "whole"), deadlineMs });
    const cluster = startCluster({ out: join(folder.path, "cleaned"), flags: { workers: 1 }, deadlineMs });
    try {
      await cluster.step(3);
      await rm(join(cluster.out, "run.sock"));
      await cluster.kill("worker");
      assert.equal((await cluster.result()).weightsSha256, undisturbed.weightsSha256);
      const lines = (await cluster.log("coordinator")).map(({ msg }) => msg);
      assert(lines.some((line) => String(line).startsWith("the socket was removed, and has been made again")));
      assert.deepEqual(
        (await readdir(cluster.out)).filter((name) => /sock|^\.l/.test(name)),
        [],
      );
    } finally {
      await cluster.dispose();
    }
  });

  test("needs no temporary folder where the run's own can hold it", async () => {
    const { code, stderr } = await train(join(folder.path, "own"), { TMPDIR: "/nowhere" });
    assert.equal(code, 0, stderr);
  });

  test("without a place for it, train ends in one line before it decodes anything, and leaves nothing", async () => {
    const out = join(folder.path, "d".repeat(100));
    const { code, stderr } = await train(out, { TMPDIR: "/nowhere", XDG_RUNTIME_DIR: "" }, "untouched");
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^lockstep: no place for the run's socket: \S.*run\.sock: the path has \d+ bytes.*; ENOENT: .*'\/nowhere\/.*; set TMPDIR to .*\n$/,
    );
    for (const path of [out, join(folder.path, "untouched")]) await assert.rejects(access(path), { code: "ENOENT" });
  });
});

test("a user without a name and without HOME gets one line that names what to set", {
  skip: process.getuid?.() === 0 ? false : "only root may start a process of another user",
}, async () => {
  const folder = await temporaryFolder();
  try {
    await chmod(folder.path, 0o777);
    const { HOME: _, XDG_CACHE_HOME: __, ...env } = process.env;
    const run = (...args: string[]) => {
      const command = ["--reuid=12345", "--clear-groups", process.execPath, lockstep, ...args];
      return spawnSync("setpriv", command, { cwd: folder.path, env, encoding: "utf8" });
    };
    const line =
      "no folder for decoded images: HOME is not set to a folder, and this user has none; name one (--cache-dir), or set XDG_CACHE_HOME";
    for (const args of [
      ["train", "--out", "run"],
      ["dataset", "inspect"],
      ["worker", "--coordinator", "unix:c.sock"],
    ]) {
      const { status, stderr } = run(...args);
      assert.deepEqual([status, stderr], [2, `lockstep: ${line}\n`]);
    }
    const doctor = run("doctor", "--json");
    assert.equal(doctor.stderr, "");
    const findings: { name: string; state: string; detail: string }[] = JSON.parse(doctor.stdout);
    assert.deepEqual(
      findings.find(({ name }) => name === "cache folder"),
      { name: "cache folder", state: "warn", detail: line },
    );
    const inspected = run("dataset", "inspect", "--data", "synthetic:8", "--cache-dir", "cache-of-mine");
    assert.equal(inspected.status, 0, inspected.stderr);
  } finally {
    await folder.remove();
  }
});
