// The test part of a random split is held out: a training needs none of its images to be readable. That no label of it
// reaches a loss stands in packages/worker/src/held-out.test.ts.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openDataset, splitDataset } from "@lockstep/dataset";
import { needsTorch, runCluster, runLockstep, temporaryFolder, writeImageFolder } from "@lockstep/testkit";

const seed = 7;
const flags = { split: "random", seed, epochs: 1 };

describe("the held-out test part", { skip: needsTorch() }, () => {
  test("its images are not decoded by training, which gives the same weights though they are destroyed", async (context) => {
    const folder = await temporaryFolder();
    context.after(() => folder.remove());
    const [data, cacheDir] = [join(folder.path, "data"), join(folder.path, "cache")];
    const outOf = (name: string): string => join(folder.path, name);
    await writeImageFolder({ folder: data, numSamples: 200, imageSize: 24 });
    const intact = await runCluster({ out: outOf("intact"), flags: { ...flags, data } });

    const dataset = await openDataset({ data, cacheDir, log: { info() {}, warn() {} } });
    const held = splitDataset(dataset, { split: "random", subset: 1, seed }).test;
    assert.ok(held.length > 20, `${held.length}`);
    for (const sample of held) await destroy(join(data, dataset.imageName(sample)));
    await acceptStamps(data, join(cacheDir, "index"));
    await rm(join(cacheDir, "pixels"), { recursive: true });

    const destroyed = await runCluster({ out: outOf("destroyed"), flags: { ...flags, data } });
    assert.equal(destroyed.weightsSha256, intact.weightsSha256);
    // The destruction is real: who evaluates that part, and only who does, meets it.
    const val = await runLockstep(["evaluate", outOf("destroyed"), "--part", "val", "--json"]);
    assert.equal(val.code, 0, val.stderr);
    const evaluated = await runLockstep(["evaluate", outOf("destroyed"), "--part", "test", "--json"]);
    assert.equal(evaluated.code, 2, evaluated.stderr);
    assert.match(evaluated.stderr, /^lockstep: image "(train|val)\/\d+\.jpg" changed/m);
  });
});

/** Same size and time of change as before; other bytes. */
async function destroy(path: string): Promise<void> {
  const { size, atime, mtime } = await stat(path);
  await writeFile(path, Buffer.alloc(size, "x"));
  await utimes(path, atime, mtime);
}

/** Tells the index of contents that the files are those that it knows: the time of the inode's change cannot be set back. */
async function acceptStamps(data: string, index: string): Promise<void> {
  const [name] = await readdir(index);
  assert.ok(name !== undefined);
  const path = join(index, name);
  const [header = "", ...lines] = (await readFile(path, "utf8")).split("\n");
  const stamped = lines.map(async (line) => {
    const [sha256, , , , ...file] = line.split(" ");
    const { size, mtimeMs, ctimeMs } = await stat(join(data, file.join(" ")));
    return [sha256, size, mtimeMs, ctimeMs, ...file].join(" ");
  });
  const body = (await Promise.all(stamped)).join("\n");
  const sha256 = createHash("sha256").update(body).digest("hex");
  await writeFile(path, `${header.replace(/[0-9a-f]{64}$/, sha256)}\n${body}`);
}
