// `--resume auto` is one command for every start of a run's processes: what a container's restart needs.
import assert from "node:assert/strict";
import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TrainResult } from "@lockstep/cli";
import { needsTorch, runCluster, runLockstep, startCluster, startLockstep, temporaryFolder } from "@lockstep/testkit";

describe("--resume auto", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let whole: TrainResult;
  let parts: TrainResult;
  const outOf = (name: string): string => join(folder.path, name);
  const auto = { resume: "auto", workers: 1 };

  before(async () => {
    folder = await temporaryFolder();
    whole = await runCluster({ out: outOf("whole"), flags: { workers: 1 } });
    const started = await runCluster({ out: outOf("parts"), flags: { ...auto, "max-steps": 4 } });
    assert.deepEqual([started.steps, started.resumedFromStep], [4, null]);
    parts = await runCluster({ out: outOf("parts"), flags: auto });
  });
  after(() => folder.remove());

  test("starts a run, and goes on with it, to the bits of one that was started by hand", () => {
    assert.deepEqual([parts.resumedFromStep, parts.weightsSha256], [4, whole.weightsSha256]);
  });

  test("of a finished run it prints the result, says that nothing is left, and starts nothing", async () => {
    const again = startCluster({ out: outOf("parts"), flags: auto });
    const { code, stdout, stderr } = await again.ended();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /parts: is finished: 22 steps, 2 of 2 epochs .*; nothing is left to train/);
    assert.deepEqual(JSON.parse(stdout), parts);
    const coordinator = await runLockstep(["coordinator", "--resume", "auto", "--json", "--out", outOf("parts")]);
    assert.equal(coordinator.code, 0);
    assert.match(coordinator.stderr, /nothing is left to train/);
    assert.equal(JSON.parse(coordinator.stdout).coordinatorGeneration, parts["coordinatorGeneration"]);
  });

  test("a dry run of a finished run warns that nothing would be computed", async () => {
    const { code, stdout } = await runLockstep(["train", "--dry-run", "--resume", "auto", "--out", outOf("parts")]);
    assert.equal(code, 0);
    assert.match(stdout, /^warning: the run is finished: nothing is left to compute$/m);
  });

  test("another setting than the run's is refused, finished or not", async () => {
    const changed = startCluster({ out: outOf("parts"), flags: { ...auto, epochs: 3 } });
    const { code, stderr } = await changed.ended();
    assert.equal(code, 2);
    assert.match(stderr, /^lockstep: .*parts: cannot resume with another run spec: epochs was 2, is 3 /);
  });

  test("somebody's folder is refused, and a folder has to be named", async () => {
    await mkdir(outOf("photos"));
    await writeFile(join(outOf("photos"), "holiday.txt"), "mine");
    const stranger = await runLockstep(["train", "--resume", "auto", "--out", outOf("photos")]);
    assert.deepEqual([stranger.code, stranger.stderr.includes("exists and is not empty (holiday.txt)")], [2, true]);
    const nameless = await runLockstep(["train"], { env: { LOCKSTEP_RESUME: "auto" } });
    assert.deepEqual([nameless.code, nameless.stderr], [2, "lockstep: --resume: needs the run's folder (--out)\n"]);
  });

  test("a coordinator that is asked to stop while it prepares the run leaves with 130, and nothing behind", async () => {
    const out = outOf("interrupted");
    const data = ["--data", "synthetic:2000", "--image-size", "128", "--cache-dir", outOf("fresh-cache")];
    const coordinator = startLockstep([
      "coordinator",
      "--resume",
      "auto",
      "--out",
      out,
      ...data,
      "--log-level",
      "info",
    ]);
    await coordinator.waitForStderr(/split the data set/);
    coordinator.signal("SIGTERM");
    const { code, stderr } = await coordinator.ended();
    assert.equal(code, 130, stderr);
    await assert.rejects(access(out));
  });
});
