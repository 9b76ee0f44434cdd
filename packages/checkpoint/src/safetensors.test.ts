import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { decodeSafetensors } from "./safetensors-read.js";
import { encodeSafetensors, type NamedTensor } from "./safetensors-write.js";

const a: NamedTensor = { name: "a", shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) };
const b: NamedTensor = { name: "b", shape: [], values: Float32Array.of(-0.5) };

/** A file by hand: any header text, any data. */
function byHand(header: unknown, data = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, data]);
}

describe("encodeSafetensors", () => {
  it("writes the published format, byte for byte", () => {
    const header = '{"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, " ");
    const expected = Buffer.concat([
      Buffer.from([padded.length, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from(padded),
      Buffer.from([0, 0, 0, 0xbf]),
    ]);
    assert.deepEqual(Buffer.from(encodeSafetensors([b], { k: "v" }).bytes), expected);
  });

  it("lays tensors out in the order given, and shows their part of the bytes", () => {
    const { bytes, data } = encodeSafetensors([b, a]);
    assert.equal(data.byteOffset % 8, 0);
    assert.equal(data.byteOffset + data.byteLength, bytes.byteLength);
    assert.deepEqual(new Float32Array(data.slice().buffer), Float32Array.of(-0.5, 1, 2, 3, 4));
  });

  it("keeps every bit of a value: NaN payloads, negative zero, subnormals", () => {
    const bits = Uint32Array.of(0x7fc0_0001, 0x8000_0000, 1, 0xff80_0000);
    const { bytes } = encodeSafetensors([{ name: "x", shape: [4], values: new Float32Array(bits.buffer) }]);
    const values = decodeSafetensors(bytes, "x").tensors.get("x")?.values;
    assert.deepEqual(new Uint32Array(values?.buffer as ArrayBuffer), bits);
  });

  it("refuses a shape that does not fit, a name used twice, and the format's own name", () => {
    assert.throws(() => encodeSafetensors([{ ...a, shape: [3] }]), /tensor a of shape \[3\] has 4 values/);
    assert.throws(() => encodeSafetensors([a, a]), /name a is taken/);
    assert.throws(() => encodeSafetensors([{ ...a, name: "__metadata__" }]), /is taken/);
  });
});

describe("decodeSafetensors", () => {
  it("gives back what was encoded, from bytes at any offset", () => {
    const { bytes } = encodeSafetensors([a, b, { name: "", shape: [0, 3], values: new Float32Array(0) }], { k: "v" });
    const odd = new Uint8Array(bytes.byteLength + 3);
    odd.set(bytes, 3);
    const { tensors, metadata } = decodeSafetensors(odd.subarray(3), "x");
    assert.deepEqual(metadata, { k: "v" });
    assert.deepEqual([...tensors.keys()].toSorted(), ["", "a", "b"]);
    assert.deepEqual(tensors.get("a"), a);
    assert.deepEqual(tensors.get("b"), b);
  });

  it("keeps tensors whose names look like numbers or like an object's own fields", () => {
    const odd = ["10", "2", "__proto__", "constructor"].map((name, i) => ({
      name,
      shape: [1],
      values: Float32Array.of(i),
    }));
    const { tensors } = decodeSafetensors(encodeSafetensors(odd).bytes, "x");
    for (const one of odd) assert.deepEqual(tensors.get(one.name), one);
  });

  const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
    dtype: "F32",
    shape,
    data_offsets: [begin, end],
  });
  for (const [what, bytes, pattern] of [
    ["too few bytes", new Uint8Array(7), /7 bytes are too few/],
    [
      "a header longer than the file",
      Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]),
      /header of 9 bytes does not fit into 10/,
    ],
    ["a header of absurd length", Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]), /too long/],
    ["a header that is no JSON", byHand("{"), /not JSON/],
    [
      "a header that is not UTF-8",
      Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0xff])]),
      /not JSON/,
    ],
    ["a header that is a list", byHand([]), /not a JSON object/],
    ["metadata that is not text", byHand({ __metadata__: { k: 1 } }), /__metadata__/],
    ["a tensor without a shape", byHand({ a: { dtype: "F32", data_offsets: [0, 0] } }), /tensor a lacks/],
    ["a negative offset", byHand({ a: { dtype: "F32", shape: [1], data_offsets: [-4, 0] } }), /tensor a lacks/],
    [
      "another data type",
      byHand({ a: { dtype: "F16", shape: [2], data_offsets: [0, 4] } }, new Uint8Array(4)),
      /F16: only F32/,
    ],
    [
      "offsets that do not fit the shape",
      byHand({ a: f32(0, 4, [2]) }, new Uint8Array(4)),
      /needs 8 bytes: its offsets span 4/,
    ],
    ["offsets that run backwards", byHand({ a: f32(4, 0, [1]) }, new Uint8Array(4)), /its offsets span -4/],
    ["a hole", byHand({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)), /b begins at byte 8: expected 4/],
    ["a hole at the start", byHand({ a: f32(4, 8) }, new Uint8Array(8)), /a begins at byte 4: expected 0/],
    ["an overlap", byHand({ a: f32(0, 8), b: f32(4, 12) }, new Uint8Array(12)), /b begins at byte 4: expected 8/],
    ["tensors beyond the end", byHand({ a: f32(0, 8) }, new Uint8Array(4)), /end at byte 8 of 4/],
    ["bytes that belong to no tensor", byHand({ a: f32(0, 4) }, new Uint8Array(5)), /end at byte 4 of 5/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decodeSafetensors(bytes, "w.safetensors"),
        (error) =>
          error instanceof UserError && pattern.test(error.message) && error.message.startsWith("w.safetensors: "),
      );
    });
  }
});
