// Balanced and weighted sampling across workers: the same bits for any number of them and after a resume, as each position
// of an epoch is a pure function of seed, epoch and weights.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openDataset } from "@lockstep/dataset";
import { needsTorch, runCluster, runLockstep, temporaryFolder } from "@lockstep/testkit";

describe("sampling across workers", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const outOf = (name: string): string => join(folder.path, name);

  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  test("balanced by a label, one worker and three give the same bits, and others than uniform sampling", async () => {
    const uniform = await runCluster({ out: outOf("uniform"), flags: { workers: 1 } });
    const alone = await runCluster({ out: outOf("alone"), flags: { workers: 1, sampling: "balanced" } });
    const three = await runCluster({ out: outOf("three"), flags: { workers: 3, sampling: "balanced:race" } });
    assert.equal(three.weightsSha256, alone.weightsSha256);
    assert.notEqual(three.weightsSha256, uniform.weightsSha256);
    assert.equal(three.samples, uniform.samples);
  });

  test("by a file of weights, a resumed run finds the file again and gives the same bits", async () => {
    const weights = outOf("weights.csv");
    const log = { info() {}, warn() {} };
    const dataset = await openDataset({ data: "synthetic:200", cacheDir: outOf("cache"), log });
    const rows = Array.from({ length: 200 }, (_, sample) => `${dataset.imageName(sample)},${1 + (sample % 3)}`);
    await writeFile(weights, ["file,weight", ...rows].join("\n"));
    const whole = await runCluster({ out: outOf("whole"), flags: { workers: 2, sampling: weights } });
    const out = outOf("stopped");
    await runCluster({ out, flags: { workers: 1, sampling: weights, "max-steps": 5 } });
    const resumed = await runCluster({ out, flags: { resume: true, workers: 2 } });
    assert.equal(resumed.resumedFromStep, 5);
    assert.equal(resumed.weightsSha256, whole.weightsSha256);

    await rm(weights);
    const refused = await runLockstep(["train", "--resume", "--out", out]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /weights file .*weights\.csv is missing \(--sampling\)/);
  });
});
