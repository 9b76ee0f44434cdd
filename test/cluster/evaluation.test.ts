// Validation is spread over the workers, an evaluation is not: both count every image once, and both say the same to the
// last bit, however many workers there are.
import assert from "node:assert/strict";
import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readMetrics, runFiles } from "@lockstep/cli";
import type { EvaluationReport } from "@lockstep/report";
import { needsTorch, runCluster, runLockstep, temporaryFolder } from "@lockstep/testkit";

/** Of the tiny run's 200 images. */
const numVal = 30;

describe("validation and evaluation", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const outOf = (workers: number): string => join(folder.path, `workers-${workers}`);

  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  test("the same metrics over exactly the part's images for 1, 2 and 3 workers, with a short last micro-batch", async () => {
    const recorded = [];
    for (const workers of [1, 2, 3]) {
      // 8 micro-batches, the last of 2 images.
      await runCluster({ out: outOf(workers), flags: { workers } });
      const records = (await readMetrics(join(outOf(workers), runFiles.metrics))).filter(
        ({ type }) => type === "validation",
      );
      assert.deepEqual(
        records.map(({ numSamples }) => numSamples),
        [numVal, numVal],
      );
      recorded.push(records.map(({ metrics }) => metrics));
    }
    const [alone, two, three] = recorded;
    assert.ok(Object.keys(alone?.[0] ?? {}).includes("raceAccuracy"));
    assert.deepEqual(two, alone);
    assert.deepEqual(three, alone);
  });

  test("an evaluation of the last checkpoint gives the recorded metrics, to the last bit", async () => {
    const out = outOf(2);
    const last = (await readMetrics(join(out, runFiles.metrics))).filter(({ type }) => type === "validation").at(-1);
    const { code, stdout, stderr } = await runLockstep(["evaluate", out, "--checkpoint", "last", "--json"]);
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout) as EvaluationReport; // what --json prints
    assert.deepEqual(report.metrics, last?.metrics);
    assert.equal(report.samples, numVal);
    const { race } = report.heads;
    assert.ok(race?.kind === "classes");
    assert.equal(
      race.confusion.counts.flat().reduce((sum, count) => sum + count, 0),
      numVal,
    );
    assert.equal(race.accuracy, report.metrics["raceAccuracy"]);
  });

  test("a run's folder and a checkpoint's, each given for the other, and one that is neither are told apart", async () => {
    const out = outOf(2);
    const checkpoint = join(out, runFiles.checkpoints, (await readdir(join(out, runFiles.checkpoints)))[0] ?? "");
    for (const [args, line] of [
      [
        ["--checkpoint", out],
        `--checkpoint ${out}: is a run's folder, not a checkpoint's; write: lockstep evaluate ${out}`,
      ],
      [
        [checkpoint],
        `${checkpoint}: is a checkpoint's folder, not a run's; write: lockstep evaluate --checkpoint ${checkpoint}`,
      ],
      [
        ["--checkpoint", folder.path],
        `${folder.path}: neither a checkpoint (manifest.json) nor a run's folder (checkpoints/)`,
      ],
    ] as const) {
      const { code, stdout, stderr } = await runLockstep(["evaluate", ...args]);
      assert.deepEqual([code, stdout, stderr], [2, "", `lockstep: ${line}\n`]);
    }
  });

  test("a run's folder that does not say where the images are, with --checkpoint best too", async () => {
    const out = join(folder.path, "no-launch");
    await cp(outOf(2), out, { recursive: true });
    await rm(join(out, runFiles.launch));
    for (const more of [[], ["--checkpoint", "best"]]) {
      const { code, stderr } = await runLockstep(["evaluate", out, ...more]);
      const line = `lockstep: ${out}: no launch.json in its run's folder tells where the images are; give --data\n`;
      assert.deepEqual([code, stderr], [2, line]);
    }
  });

  test("a checkpoint's folder inside a run is enough: the run says where the images are", async () => {
    const checkpoints = join(outOf(2), runFiles.checkpoints);
    const newest =
      (await readdir(checkpoints))
        .filter((name) => name.startsWith("step-"))
        .sort()
        .at(-1) ?? "";
    for (const checkpoint of [join(checkpoints, newest), checkpoints]) {
      const { code, stdout, stderr } = await runLockstep(["evaluate", "--checkpoint", checkpoint, "--json"]);
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).samples, numVal);
    }
  });
});
