import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { createLayout, type TensorEntry, weightsSha256 } from "./tensor-layout.js";

const entries: TensorEntry[] = [
  { name: "b.mean", shape: [3], kind: "statistic", momentum: 0.1 },
  { name: "c.weight", shape: [2, 2], kind: "parameter" },
  { name: "a.weight", shape: [1, 3], kind: "parameter", decay: false },
  { name: "a.variance", shape: [], kind: "statistic", momentum: 0.1 },
];

describe("createLayout", () => {
  it("places parameters by name, then statistics by name, without gaps", () => {
    const layout = createLayout(entries);
    assert.deepEqual(
      layout.tensors.map(({ name, offset, size }) => [name, offset, size]),
      [
        ["a.weight", 0, 3],
        ["c.weight", 3, 4],
        ["a.variance", 7, 1],
        ["b.mean", 8, 3],
      ],
    );
    assert.deepEqual([layout.numParameters, layout.numStatistics, layout.numElements], [7, 4, 11]);
  });

  it("does not depend on the order in which a model lists its tensors", () => {
    assert.deepEqual(createLayout(entries.toReversed()), createLayout(entries));
  });

  it("has another digest for another name, shape, kind, momentum or decay", () => {
    const digests = [
      entries,
      entries.with(0, { name: "b.mean2", shape: [3], kind: "statistic", momentum: 0.1 }),
      entries.with(0, { name: "b.mean", shape: [1, 3], kind: "statistic", momentum: 0.1 }),
      entries.with(0, { name: "b.mean", shape: [3], kind: "parameter" }),
      entries.with(0, { name: "b.mean", shape: [3], kind: "statistic", momentum: 0.2 }),
      entries.with(2, { name: "a.weight", shape: [1, 3], kind: "parameter" }),
    ].map((list) => createLayout(list).sha256);
    assert.equal(new Set(digests).size, digests.length);
  });

  it("has a digest that is pinned: a change would break every stored run", () => {
    assert.equal(createLayout(entries).sha256, "a6f6ebb93dab526d649a1cd16f2adf9c0e1a3bcc38970f470ee25715c0fb82ef");
  });

  it("refuses two tensors of one name", () => {
    assert.throws(() => createLayout([...entries, { name: "b.mean", shape: [1], kind: "parameter" }]), /same name/);
  });
});

describe("weightsSha256", () => {
  const weights = Float32Array.from({ length: 11 }, (_, i) => i + 0.5);

  it("is SHA-256 over all tensors sorted by name, statistics among them, as little-endian float32", () => {
    const byName = [7.5, 0.5, 1.5, 2.5, 8.5, 9.5, 10.5, 3.5, 4.5, 5.5, 6.5]; // a.variance, a.weight, b.mean, c.weight
    const bytes = Buffer.alloc(44);
    byName.forEach((value, i) => void bytes.writeFloatLE(value, 4 * i));
    const expected = createHash("sha256").update(bytes).digest("hex");
    assert.equal(weightsSha256(createLayout(entries), weights), expected);
    assert.equal(expected, "0099c9c4daac2fc481305910e9ce7a6d19e6cd67231340d38f28dc246ebfb3a5");
  });

  it("reads the array's own part of a larger, shared buffer", () => {
    const shared = new Float32Array(new SharedArrayBuffer(4 * 20), 4 * 5, 11);
    shared.set(weights);
    assert.equal(weightsSha256(createLayout(entries), shared), weightsSha256(createLayout(entries), weights));
  });

  it("changes with every single bit", () => {
    const layout = createLayout(entries);
    const seen = new Set([weightsSha256(layout, weights)]);
    for (let bit = 0; bit < 32 * weights.length; bit++) {
      const changed = weights.slice();
      const words = new Uint32Array(changed.buffer);
      words[bit >>> 5] = (words[bit >>> 5] as number) ^ (1 << (bit & 31));
      seen.add(weightsSha256(layout, changed));
    }
    assert.equal(seen.size, 1 + 32 * weights.length);
  });

  it("refuses weights of another size", () => {
    assert.throws(() => weightsSha256(createLayout(entries), new Float32Array(10)), /10 elements, the layout has 11/);
  });
});
