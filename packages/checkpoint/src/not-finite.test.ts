import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { contentOf } from "./checkpoint-codec.js";
import { CheckpointStore } from "./checkpoint-store.js";
import { NotFiniteCounter } from "./not-finite.js";
import { publish, replacedPathOf } from "./publish.js";
import { encodeSafetensors } from "./safetensors-write.js";
import { useTemporaryFolder } from "./testing/temporary-folder.js";
import { tinyLayout, tinySnapshot } from "./testing/tiny-snapshot.js";

/** Writes a checkpoint as older releases did, which did not check the values. */
async function publishUnchecked(dir: string, step: number, weights: Float32Array): Promise<string> {
  const snapshot = tinySnapshot(step, { weights });
  const path = join(dir, `step-${String(step).padStart(8, "0")}`);
  await publish(
    {
      path,
      temporaryPath: `${path}.new`,
      replacedPath: replacedPathOf(path),
      ...contentOf(snapshot),
    },
    () => {},
  );
  return path;
}

/** tinyLayout's order is head.weight (6 values), block.weight (4), block.mean (2). */
function weightsWith(places: readonly number[], value: number): Float32Array {
  const weights = new Float32Array(tinyLayout.numElements).fill(0.5);
  for (const place of places) weights[place] = value;
  return weights;
}

describe("a checkpoint with values that are not finite", () => {
  const freshPath = useTemporaryFolder();

  it("has a fault that names the file, the number of values and the first tensor", async () => {
    const dir = freshPath();
    await mkdir(dir, { recursive: true });
    const path = await publishUnchecked(dir, 3, weightsWith([2, 7, 8], Number.NaN));
    const { fault } = await new CheckpointStore(dir).verify({ step: 3, path });
    assert.equal(
      fault,
      "weights.safetensors holds 3 values of 12 that are NaN or infinite, the first in tensor block.weight",
    );
  });

  it("is skipped by newestValid", async () => {
    const store = new CheckpointStore(freshPath());
    await store.prepare();
    await store.write(tinySnapshot(1));
    await publishUnchecked(store.dir, 2, weightsWith([0], Number.NEGATIVE_INFINITY));
    const { checkpoint, skipped } = await store.newestValid();
    assert.equal(checkpoint?.step, 1);
    assert.deepEqual(
      skipped.map(({ step }) => step),
      [2],
    );
  });

  it("is not counted by retention, so that no finite one is deleted", async () => {
    const store = new CheckpointStore(freshPath(), { keepLast: 2, keepBest: false });
    await store.prepare();
    await store.write(tinySnapshot(1));
    for (const step of [7, 8, 9]) await publishUnchecked(store.dir, step, weightsWith([1], Number.NaN));
    const { deletedSteps } = await store.write(tinySnapshot(2));
    assert.deepEqual(deletedSteps, []);
    assert.deepEqual(
      (await store.list()).map(({ step }) => step),
      [1, 2, 7, 8, 9],
    );
  });

  it("is refused by write, which leaves no files", async () => {
    const store = new CheckpointStore(freshPath());
    await store.prepare();
    await assert.rejects(
      store.write(tinySnapshot(4, { weights: weightsWith([11], Number.POSITIVE_INFINITY) })),
      /tensor block\.mean holds values that are NaN or infinite/,
    );
    const values = new Float32Array(tinyLayout.numParameters).fill(Number.POSITIVE_INFINITY);
    await assert.rejects(store.write(tinySnapshot(4, { optimizerState: [{ name: "v", values }] })), /tensor v holds/);
    assert.deepEqual(await store.list(), []);
  });
});

describe("NotFiniteCounter", () => {
  const values = Float32Array.of(1, Number.NaN, -3.4e38, Number.NEGATIVE_INFINITY, 1e-45, 0, Number.POSITIVE_INFINITY);
  const { head, data } = encodeSafetensors([{ name: "t", shape: [values.length], values }]);
  const bytes = Buffer.concat([head, ...data]);

  it("counts the same values wherever the bytes are split", () => {
    for (let cut = 8; cut <= bytes.byteLength; cut++) {
      const counter = new NotFiniteCounter();
      counter.take(bytes.subarray(0, cut));
      counter.take(bytes.subarray(cut));
      assert.deepEqual([counter.count, counter.first, counter.numValues], [3, 1, values.length], `cut at ${cut}`);
    }
  });

  it("counts the same values when the bytes after the header come one by one", () => {
    const counter = new NotFiniteCounter();
    counter.take(bytes.subarray(0, 8));
    for (let index = 8; index < bytes.byteLength; index++) counter.take(bytes.subarray(index, index + 1));
    assert.deepEqual([counter.count, counter.first, counter.numValues], [3, 1, values.length]);
  });
});
