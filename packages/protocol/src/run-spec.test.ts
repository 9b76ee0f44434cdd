import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalJson, canonicalSha256, differences, type RunSpec, runSpec } from "./run-spec.js";

const spec: RunSpec = {
  formatVersion: 2,
  dataset: {
    kind: "synthetic",
    fingerprint: "f".repeat(64),
    split: "official",
    subset: 1,
    samples: { train: 100, val: 20, test: 0 },
  },
  imageSize: 64,
  recipe: { name: "fairface", options: { blocks: [32, 64], dropout: 0.5 } },
  optimizer: {
    name: "adam",
    learningRate: 1e-4,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    momentum: 0,
    weightDecay: 0,
    clipNorm: null,
  },
  schedule: { name: "constant", warmupSteps: 0, finalFraction: 0 },
  epochs: 1,
  microBatch: 32,
  globalBatch: 64,
  seed: 7,
  precision: "f32",
};

describe("canonicalJson", () => {
  it("sorts the keys of every object and leaves arrays in their order", () => {
    assert.equal(canonicalJson({ b: [{ z: 1, a: 2 }, 3], a: null }), '{"a":null,"b":[{"a":2,"z":1},3]}');
  });

  it("gives the same text in whatever order the fields were set", () => {
    const reversed = Object.fromEntries(Object.entries(spec).reverse());
    assert.equal(canonicalJson(reversed), canonicalJson(spec));
    assert.equal(canonicalSha256(reversed), canonicalSha256(spec));
  });

  it("leaves out fields that are undefined", () => {
    assert.equal(canonicalJson({ a: undefined, b: 1 }), '{"b":1}');
  });

  it("is unchanged by a round trip through JSON, also for the smallest and largest doubles", () => {
    const value = { a: [0.1, 1e-308, 5e-324, Number.MAX_VALUE, -1.5], b: 'quote " and \n', c: "é€😀" };
    assert.equal(canonicalJson(JSON.parse(canonicalJson(value))), canonicalJson(value));
    assert.deepEqual(JSON.parse(canonicalJson(value)), value);
  });

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    it(`refuses ${value}, which JSON cannot represent`, () => {
      assert.throws(() => canonicalJson([value]), /has no JSON form/);
    });
  }

  it("has a fixed digest: another one would make every stored run unusable", () => {
    assert.equal(
      canonicalSha256({ b: 1, a: [true, "x"] }),
      "f15ef113d6e0c876b9ea9e90ebc36ad3f8b350d44634ba2fc407e978fb8cebeb",
    );
    assert.equal(canonicalSha256(spec), "b591d93a8bb6aed6f103ac1c7fe74d75929ccb311397b29e135924f645049d9c");
  });
});

describe("runSpec", () => {
  it("tells the user what to do with a spec of another format", () => {
    const { error } = runSpec.safeParse({ ...spec, formatVersion: 1 });
    assert.match(error?.issues[0]?.message ?? "", /is of another Lockstep version; use the version that wrote it/);
  });

  it("accepts a complete spec and returns it unchanged", () => {
    assert.deepEqual(runSpec.parse(spec), spec);
  });

  for (const [what, change] of [
    ["an unknown field", { workers: 2 }],
    ["no epochs", { epochs: 0 }],
    ["a seed that is not a uint32", { seed: 2 ** 32 }],
    ["a precision that is not supported yet", { precision: "bf16" }],
    ["a later format", { formatVersion: 3 }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.equal(runSpec.safeParse({ ...spec, ...change }).success, false);
    });
  }
});

describe("differences", () => {
  it("finds none between equal values, in whatever order the keys are", () => {
    assert.deepEqual(differences(spec, Object.fromEntries(Object.entries(structuredClone(spec)).reverse())), []);
  });

  it("names each field that differs by its path, with both values", () => {
    const changed = structuredClone(spec);
    changed.optimizer.learningRate = 1e-3;
    changed.seed = 8;
    assert.deepEqual(differences(spec, changed), [
      { field: "optimizer.learningRate", before: 1e-4, after: 1e-3 },
      { field: "seed", before: 7, after: 8 },
    ]);
  });

  it("names fields that only one side has", () => {
    assert.deepEqual(differences({ a: { b: 1 } }, { a: { c: 2 } }), [
      { field: "a.b", before: 1, after: undefined },
      { field: "a.c", before: undefined, after: 2 },
    ]);
  });

  it("compares arrays as a whole, in order", () => {
    assert.deepEqual(differences({ a: [1, 2] }, { a: [2, 1] }), [{ field: "a", before: [1, 2], after: [2, 1] }]);
  });
});
