// A folder with broken images: refused before anything is trained, or trained on without them, by all processes alike.
import assert from "node:assert/strict";
import { copyFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readRunDescription, runFiles } from "@lockstep/cli";
import {
  needsTorch,
  runCluster,
  runLockstep,
  startCluster,
  type TrainFlags,
  temporaryFolder,
  writeImageFolder,
} from "@lockstep/testkit";

describe("a folder with three bad images", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let flags: TrainFlags;
  let bad: { readonly cut: string; readonly page: string; readonly absent: string };
  const outOf = (name: string): string => join(folder.path, name);
  const skipping = { "on-bad-image": "skip" } as const;

  before(async () => {
    folder = await temporaryFolder();
    const data = join(folder.path, "faces");
    await writeImageFolder({ folder: data, numSamples: 72, imageSize: 16 });
    const [cut = "", page = ""] = (await imagesOf(data, "train")).slice(7);
    const [absent = ""] = (await imagesOf(data, "val")).slice(3);
    bad = { cut, page, absent };
    const whole = await readFile(join(data, cut));
    await writeFile(join(data, cut), whole.subarray(0, whole.length - 60));
    await writeFile(join(data, page), "<!doctype html>");
    await rm(join(data, absent));
    flags = { data, epochs: 1 };
  });
  after(() => folder.remove());

  test("is refused without a flag: the first is named, with the flag that leaves such images out", async () => {
    const { code, stdout, stderr } = await startCluster({ out: outOf("refused"), flags }).ended();
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, /^lockstep: .*_val.csv, line 5: image "val.*" is missing .* \(--on-bad-image skip\)$/m);
    await writeFile(join(folder.path, "faces", bad.absent), "no image");
    const other = await startCluster({ out: outOf("refused"), flags }).ended();
    assert.deepEqual([other.code, other.stdout], [2, ""], other.stderr);
    assert.match(other.stderr, /^lockstep: image ".*jpg" cannot be decoded .* \(--on-bad-image skip\)$/m);
    await rm(join(folder.path, "faces", bad.absent));
  });

  test("trains without them on any number of workers to the same weights, lists them, and goes on so", async () => {
    const expected = await runCluster({ out: outOf("one"), flags: { ...flags, ...skipping, workers: 1 } });
    const stopped = await runCluster({
      out: outOf("two"),
      flags: { ...flags, ...skipping, workers: 2, "max-steps": 2 },
    });
    assert.deepEqual([stopped.completed, stopped.imagesSkipped], [false, 3]);
    const resumed = await runCluster({ out: outOf("two"), flags: { ...flags, resume: true, workers: 2 } });
    assert.equal(resumed.weightsSha256, expected.weightsSha256);
    assert.deepEqual((await readRunDescription(outOf("two")))?.spec.dataset.samples, { train: 60, val: 9, test: 0 });
    for (const name of ["one", "two"]) {
      const lines = (await readFile(join(outOf(name), runFiles.skipped), "utf8")).trim().split("\n");
      const listed = lines.map((line) => line.split(",")[0]).sort();
      assert.deepEqual(listed, ["file", ...Object.values(bad)].sort());
      assert.ok(
        lines.some((line) => line.startsWith(bad.page) && /_train.csv, line 10",.*it is a web page/.test(line)),
        `${lines}`,
      );
    }
  });

  test("that are left out are warned of once by a launcher for all, and by each process that is started by hand", async () => {
    const data = join(folder.path, "odd");
    await writeImageFolder({ folder: data, numSamples: 24, imageSize: 16 });
    const [first = ""] = await imagesOf(data, "train");
    await copyFile(join(data, first), join(data, "train", "spare.jpg"));
    const warning = /left out 1 image that the labels do not name: train\/spare.jpg/g;
    const cluster = startCluster({ out: outOf("odd-run"), flags: { ...flags, data, workers: 2 } });
    const { code, stderr } = await cluster.ended();
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(warning)?.length, 1, stderr);
    for (const name of ["worker-0", "worker-1"]) {
      const lines = (await cluster.log(name)).filter(({ msg }) => String(msg).match(warning));
      assert.deepEqual(
        lines.map(({ level }) => level),
        [30], // info
      );
    }
    const common = ["--data", data, "--cache-dir", join(folder.path, "cache")];
    const listen = `unix:${join(folder.path, "odd.sock")}`;
    const [coordinator, worker] = await Promise.all([
      runLockstep([
        ...["coordinator", ...common, "--out", outOf("odd-by-hand"), "--listen", listen, "--expected-workers", "1"],
        ...["--image-size", "16", "--micro-batch", "4", "--global-batch", "16", "--epochs", "1"],
      ]),
      runLockstep(["worker", ...common, "--coordinator", listen, "--connect-timeout", "30"]),
    ]);
    for (const by of [coordinator, worker]) {
      assert.equal(by.code, 0, by.stderr);
      assert.equal(by.stderr.match(warning)?.length, 1, by.stderr);
    }
  });

  test("that are mended are trained on, and nothing is listed any more", async () => {
    const data = join(folder.path, "mended");
    await writeImageFolder({ folder: data, numSamples: 24, imageSize: 16 });
    const result = await runCluster({ out: outOf("mended-run"), flags: { ...flags, ...skipping, data, workers: 1 } });
    assert.equal(result.imagesSkipped, 0);
    await assert.rejects(stat(join(outOf("mended-run"), runFiles.skipped)), { code: "ENOENT" });
  });
});

/** In the order of the label file. */
async function imagesOf(data: string, part: string): Promise<string[]> {
  const rows = (await readFile(join(data, `fairface_label_${part}.csv`), "utf8")).trim().split("\n").slice(1);
  return rows.map((row) => row.split(",")[0] ?? "");
}
