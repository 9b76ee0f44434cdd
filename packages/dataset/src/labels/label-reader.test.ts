import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { canonicalSamples } from "../canonical-order.js";
import { readLabels } from "./label-reader.js";
import type { LabelSchema } from "./label-schema.js";

const schema: LabelSchema = { name: "own", fields: [{ kind: "number", name: "w", column: "w" }] };

function read(raw: unknown, limits: { least?: number; greatest?: number } = {}): number | undefined {
  const fields = schema.fields.map((field) => ({ ...field, ...limits }));
  return readLabels("labels.csv, line 2", { ...schema, fields } as LabelSchema, { w: raw })["w"];
}

function fingerprintOf(values: readonly (number | undefined)[]): string {
  const list = values.map((w, index) => ({
    name: String(index),
    origin: 0,
    labels: { w: w ?? Number.NaN },
    contentSha256: "0".repeat(64),
  }));
  return canonicalSamples(schema, list).fingerprint;
}

describe("a label that is a number", () => {
  test("is the same float32 for every way to write it", () => {
    for (const raw of ["0.1", "+.1", "1e-1", " 0.10000000001 ", 0.1, Math.fround(0.1)]) {
      assert.equal(read(raw), Math.fround(0.1), String(raw));
    }
    for (const raw of ["-0", "-0.0", -0, 0n, "1e-60", "-1e-60"]) assert.ok(Object.is(read(raw), 0), String(raw));
    assert.equal(read("-12."), -12);
    assert.equal(read(-3n), -3);
  });

  test("is refused if it is not a decimal number or is too large for float32", () => {
    for (const raw of ["0x10", "0b1", "Infinity", "NaN", "1_000", "1,5", "", ".", "e5", "1e39", 1e39, true, null]) {
      assert.throws(
        () => read(raw),
        (error) => error instanceof UserError && /line 2: (w "|no w).*; expected a number$/.test(error.message),
        String(raw),
      );
    }
  });

  test("may be equal to a limit", () => {
    assert.equal(read("0.1", { greatest: 0.1 }), Math.fround(0.1));
    assert.equal(read("0.7", { least: 0.7 }), Math.fround(0.7));
    assert.throws(() => read("0.2", { least: 0.3, greatest: 1 }), /expected a number from 0.3 to 1/);
  });

  test("gives the same fingerprint and order as the same value read as float32", () => {
    const written = ["0.10000000001", "0.1", "-0", "0", "0.2"].map((raw) => read(raw));
    const stored = [0.2, 0, 0, 0.1, 0.1].map((value) => Math.fround(value));
    assert.equal(fingerprintOf(written), fingerprintOf(stored));
    // A recipe's own source may list float64 values.
    assert.equal(fingerprintOf([0.10000000001, 0.1, -0, 0, 0.2]), fingerprintOf(stored));
  });
});
