import assert from "node:assert/strict";
import { open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { byteSource, withFileSource } from "@lockstep/files";
import { temporaryFolder } from "@lockstep/files/testing";
import { decodeSafetensors } from "./safetensors-read.js";
import { encodeSafetensors, type NamedTensor } from "./safetensors-write.js";

const a: NamedTensor = { name: "a", shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) };
const b: NamedTensor = { name: "b", shape: [], values: Float32Array.of(-0.5) };

const encoded = (...input: Parameters<typeof encodeSafetensors>): Uint8Array => {
  const { head, data, sizeBytes } = encodeSafetensors(...input);
  const bytes = Buffer.concat([head, ...data]);
  assert.equal(bytes.byteLength, sizeBytes);
  return bytes;
};

/** A file with any header text and any data. */
function byHand(header: unknown, data = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, data]);
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("encodeSafetensors", () => {
  it("writes the published format, byte for byte", () => {
    const header = '{"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, " ");
    const expected = Buffer.concat([
      Buffer.from([padded.length, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from(padded),
      Buffer.from([0, 0, 0, 0xbf]),
    ]);
    assert.deepEqual(encoded([b], { k: "v" }), expected);
  });

  it("keeps the order of the tensors, aligns them and copies nothing", () => {
    const { head, data } = encodeSafetensors([b, a]);
    assert.equal(head.byteLength % 8, 0);
    assert.deepEqual(
      data.map(({ buffer }) => buffer),
      [b.values.buffer, a.values.buffer],
    );
  });

  it("keeps every bit of a value: NaN payloads, negative zero, subnormals", async () => {
    const bits = Uint32Array.of(0x7fc0_0001, 0x8000_0000, 1, 0xff80_0000);
    const bytes = encoded([{ name: "x", shape: [4], values: new Float32Array(bits.buffer) }]);
    const values = (await decodeSafetensors(byteSource([bytes]), "x")).tensors.get("x")?.values;
    assert.deepEqual(new Uint32Array(values?.buffer as ArrayBuffer), bits);
  });

  it("refuses a shape that does not fit, a name used twice, and the format's own name", () => {
    assert.throws(() => encodeSafetensors([{ ...a, shape: [3] }]), /tensor a of shape \[3\] has 4 values/);
    assert.throws(() => encodeSafetensors([a, a]), /name a is taken/);
    assert.throws(() => encodeSafetensors([{ ...a, name: "__metadata__" }]), /is taken/);
  });
});

describe("decodeSafetensors", () => {
  it("reads a file of more than 2 GiB", async (context) => {
    const elements = 2 ** 26;
    const [count, tensorBytes] = [9, 4 * elements];
    const header = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`t${i}`, f32(i * tensorBytes, (i + 1) * tensorBytes)]),
    );
    const path = join(await temporaryFolder(context), "large.safetensors");
    const head = byHand(header);
    await writeFile(path, head);
    await truncate(path, head.byteLength + count * tensorBytes); // sparse: it takes no disk space
    const file = await open(path, "r+");
    await file.write(Uint8Array.of(0, 0, 0x80, 0x3f), 0, 4, head.byteLength + count * tensorBytes - 4);
    await file.close();
    const values = new Float32Array(elements); // used for each tensor in turn
    await withFileSource(path, (source) => decodeSafetensors(source, "large", { place: () => values }));
    assert.equal(values.at(-1), 1);
    assert.equal(values.at(-2), 0);
  });

  it("returns the tensors that were encoded", async () => {
    const bytes = encoded([a, b, { name: "", shape: [0, 3], values: new Float32Array(0) }], { k: "v" });
    const { tensors, metadata } = await decodeSafetensors(byteSource([bytes]), "x");
    assert.deepEqual(metadata, { k: "v" });
    assert.deepEqual([...tensors.keys()].toSorted(), ["", "a", "b"]);
    assert.deepEqual(tensors.get("a"), a);
    assert.deepEqual(tensors.get("b"), b);
  });

  it("reads tensors whose names look like numbers or like an object's own properties", async () => {
    const odd = ["10", "2", "__proto__", "constructor"].map((name, i) => ({
      name,
      shape: [1],
      values: Float32Array.of(i),
    }));
    const { tensors } = await decodeSafetensors(byteSource([encoded(odd)]), "x");
    for (const one of odd) assert.deepEqual(tensors.get(one.name), one);
  });

  for (const [what, bytes, pattern] of [
    ["too few bytes", new Uint8Array(7), /7 bytes are too few/],
    [
      "a header longer than the file",
      Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]),
      /header of 9 bytes does not fit into 10/,
    ],
    ["a header of absurd length", Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]), /too long/],
    ["a header that is not JSON", byHand("{"), /not JSON/],
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
    ["a gap", byHand({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)), /b begins at byte 8: expected 4/],
    ["a gap at the start", byHand({ a: f32(4, 8) }, new Uint8Array(8)), /a begins at byte 4: expected 0/],
    ["an overlap", byHand({ a: f32(0, 8), b: f32(4, 12) }, new Uint8Array(12)), /b begins at byte 4: expected 8/],
    ["tensors beyond the end", byHand({ a: f32(0, 8) }, new Uint8Array(4)), /end at byte 8 of 4/],
    ["bytes that belong to no tensor", byHand({ a: f32(0, 4) }, new Uint8Array(5)), /end at byte 4 of 5/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(
        decodeSafetensors(byteSource([bytes]), "w.safetensors"),
        (error) =>
          error instanceof UserError && pattern.test(error.message) && error.message.startsWith("w.safetensors: "),
      );
    });
  }
});
