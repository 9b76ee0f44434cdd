// --resume of a run that has reached its end: there is nothing to go on with, and nothing of it is touched.
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runFiles, type TrainResult } from "@lockstep/cli";
import { needsTorch, runCluster, runLockstep, temporaryFolder } from "@lockstep/testkit";

describe("--resume of a finished run", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let out: string;
  let finished: TrainResult;
  const resume = (command: string, ...flags: string[]) => runLockstep([command, "--resume", "--out", out, ...flags]);

  before(async () => {
    folder = await temporaryFolder();
    out = join(folder.path, "run");
    finished = await runCluster({ out });
  });
  after(() => folder.remove());

  test("says so and what can be done, starts nothing, and keeps the summary; the coordinator by hand alike", async () => {
    const kept = [runFiles.summary, runFiles.ledger, runFiles.metrics, runFiles.coordinator];
    const contents = () => Promise.all(kept.map((name) => readFile(join(out, name), "utf8")));
    const before = await contents();
    for (const [command, lockstep] of [
      ["train", "npx lockstep"],
      ["coordinator", "lockstep"],
    ] as const) {
      const { code, stdout, stderr } = await resume(command, "--json");
      assert.equal(code, 0, stderr);
      assert.match(stderr, /run: is finished: 22 steps, 2 of 2 epochs \(the run reached its end\); nothing is left/);
      assert.match(
        stderr,
        new RegExp(`: ${lockstep} evaluate .*run\n.*: ${lockstep} train --init-from .*run --out NEW`),
      );
      assert.deepEqual(JSON.parse(stdout).weightsSha256, finished.weightsSha256);
      assert.deepEqual(await contents(), before);
    }
  });

  test("with more epochs is refused, with the flag that starts a new run from its weights", async () => {
    const { code, stderr } = await resume("train", "--epochs", "3");
    assert.equal(code, 2);
    assert.match(stderr, /^lockstep: .*epochs was 2, is 3 \(use the same flags, or start .*: --init-from .*run\)$/m);
  });

  test("trains to the same weights again where the checkpoint of its end was lost", async () => {
    await rm(join(out, runFiles.checkpoints, "step-00000022"), { recursive: true });
    const { code, stdout, stderr } = await resume("train", "--json");
    assert.equal(code, 0, stderr);
    const again: TrainResult = JSON.parse(stdout);
    assert.deepEqual([again.weightsSha256, again.resumedFromStep], [finished.weightsSha256, 11]);
  });
});
