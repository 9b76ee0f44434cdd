import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32c } from "@node-rs/crc32";
import { chunkBytes, contributionHeader, encodeTensorChunks, float32Bytes, TensorAssembler } from "./chunk-codec.js";
import { DataType, TensorChunk, TensorHeader, TensorLayout as WireLayout } from "./gen/lockstep/v1/tensors.js";
import { createLayout } from "./tensor-layout.js";
import { WireError, type WireErrorCode } from "./wire-error.js";

// Xorshift32 (Marsaglia 2003): every test run has the same random cases.
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function randomBytes(count: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length: count }, () => random(256));
}

const layoutSha256 = "a".repeat(64);

function headerFor(bytes: Uint8Array, changes: Partial<TensorHeader> = {}): TensorHeader {
  return { dataType: DataType.F32, layout: WireLayout.FLAT, layoutSha256, totalBytes: bytes.byteLength, ...changes };
}

function refused(code: WireErrorCode, pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof WireError);
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

function chunk(offsetBytes: number, data: Uint8Array): TensorChunk {
  return { offsetBytes, data: Buffer.from(data), crc32c: crc32c(data) };
}

describe("encodeTensorChunks", () => {
  for (const size of [0, 1, 4, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes + 12]) {
    it(`leaves ${size} bytes unchanged through the wire format`, () => {
      const sent = randomBytes(size, 7);
      const into = new Uint8Array(size);
      const header = TensorHeader.decode(TensorHeader.encode(headerFor(sent)).finish());
      const assembler = new TensorAssembler(header, { layoutSha256, into });
      let numChunks = 0;
      for (const one of encodeTensorChunks(sent)) {
        assembler.add(TensorChunk.decode(TensorChunk.encode(one).finish()));
        numChunks++;
      }
      assembler.finish();
      assert.equal(numChunks, Math.ceil(size / chunkBytes));
      assert.equal(assembler.receivedBytes, size);
      assert.deepEqual(into, sent);
    });
  }

  it("makes chunks that are views of the caller's memory, also of shared memory", () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(chunkBytes + 100), 8, chunkBytes + 60).fill(3);
    const [first, second] = [...encodeTensorChunks(bytes)];
    assert.equal(first?.data.buffer, bytes.buffer);
    assert.equal(first?.data.byteOffset, 8);
    assert.equal(second?.data.byteLength, 60);
    bytes[chunkBytes] = 9;
    assert.equal(second?.data[0], 9);
  });

  it("uses CRC-32C: it gives the published check value", () => {
    const [only] = [...encodeTensorChunks(Buffer.from("123456789"))];
    assert.equal(only?.crc32c, 0xe3069283);
  });
});

describe("float32Bytes", () => {
  it("is a little-endian view of the array", () => {
    const whole = Float32Array.of(0, 1, -2);
    const bytes = float32Bytes(whole.subarray(1));
    assert.deepEqual([...bytes], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    bytes[3] = 0xbf;
    assert.equal(whole[1], -1);
  });
});

describe("contributionHeader", () => {
  it("describes the layout's elements as float32", () => {
    const layout = createLayout([
      { name: "w", shape: [2, 3], kind: "parameter" },
      { name: "mean", shape: [3], kind: "statistic", momentum: 0.1 },
    ]);
    assert.deepEqual(contributionHeader(layout), {
      dataType: DataType.F32,
      layout: WireLayout.FLAT,
      layoutSha256: layout.sha256,
      totalBytes: 36,
    });
  });
});

describe("TensorAssembler", () => {
  const bytes = randomBytes(24, 3);
  const assemble = (header: TensorHeader = headerFor(bytes)): TensorAssembler =>
    new TensorAssembler(header, { layoutSha256, into: new Uint8Array(bytes.byteLength) });

  for (const [what, changes, pattern] of [
    ["no data type", { dataType: DataType.UNSPECIFIED }, /data type 0: only F32 \(1\) is supported/],
    ["an unknown data type", { dataType: DataType.UNRECOGNIZED }, /data type -1/],
    ["no layout", { layout: WireLayout.UNSPECIFIED }, /tensor layout 0: only FLAT \(1\) is supported/],
    ["another model's layout", { layoutSha256: "b".repeat(64) }, /tensor layout b{64}: expected a{64}/],
    ["more bytes than the layout has", { totalBytes: 28 }, /28 tensor bytes: expected 24/],
    ["fewer bytes than the layout has", { totalBytes: 20 }, /20 tensor bytes: expected 24/],
  ] as const) {
    it(`refuses a header with ${what}`, () => {
      assert.throws(() => assemble(headerFor(bytes, changes)), refused("layout", pattern));
    });
  }

  it("refuses a gap", () => {
    assert.throws(
      () => assemble().add(chunk(4, bytes.subarray(4))),
      refused("bad-chunk", /at byte 4 leaves a gap: expected byte 0/),
    );
  });

  it("refuses a chunk sent twice", () => {
    const assembler = assemble();
    assembler.add(chunk(0, bytes.subarray(0, 8)));
    assert.throws(
      () => assembler.add(chunk(0, bytes.subarray(0, 8))),
      refused("bad-chunk", /at byte 0 overlaps: expected byte 8/),
    );
  });

  it("refuses an overrun", () => {
    const assembler = assemble();
    assembler.add(chunk(0, bytes.subarray(0, 20)));
    assert.throws(
      () => assembler.add(chunk(20, new Uint8Array(8))),
      refused("bad-chunk", /overruns: it ends at 28 of 24/),
    );
  });

  it("refuses an empty chunk", () => {
    assert.throws(() => assemble().add(chunk(0, new Uint8Array(0))), refused("bad-chunk", /has 0 bytes/));
  });

  it("refuses a chunk of more than 1 MiB", () => {
    const large = new Uint8Array(chunkBytes + 1);
    const assembler = new TensorAssembler(headerFor(large), { layoutSha256, into: new Uint8Array(large.byteLength) });
    assert.throws(
      () => assembler.add(chunk(0, large)),
      refused("bad-chunk", /has 1048577 bytes: expected 1 to 1048576/),
    );
  });

  it("refuses an end before the last byte", () => {
    const assembler = assemble();
    assembler.add(chunk(0, bytes.subarray(0, 20)));
    assert.throws(() => assembler.finish(), refused("bad-chunk", /end at 20 of 24/));
  });

  it("names both checksums of a damaged chunk", () => {
    const damaged = { ...chunk(0, bytes), crc32c: 1 };
    assert.throws(
      () => assemble().add(damaged),
      refused("bad-chunk", /checksum [0-9a-f]{8}: the sender computed 00000001/),
    );
  });

  it("detects every flipped bit of a chunk's data, offset and checksum", () => {
    for (let bit = 0; bit < 8 * bytes.byteLength; bit++) {
      const one = chunk(0, bytes);
      flip(one.data, bit);
      assert.throws(() => assemble().add(one), refused("bad-chunk", /checksum/));
    }
    for (let bit = 0; bit < 32; bit++) {
      const one = chunk(0, bytes);
      assert.throws(
        () => assemble().add({ ...one, crc32c: (one.crc32c ^ (1 << bit)) >>> 0 }),
        refused("bad-chunk", /checksum/),
      );
      assert.throws(() => assemble().add({ ...one, offsetBytes: 2 ** bit }), refused("bad-chunk", /gap/));
    }
  });

  it("returns the sender's bytes or refuses them, whichever bit of the serialized messages is flipped", () => {
    const messages = [
      TensorHeader.encode(headerFor(bytes)).finish(),
      TensorChunk.encode(chunk(0, bytes.subarray(0, 11))).finish(),
      TensorChunk.encode(chunk(11, bytes.subarray(11))).finish(),
    ];
    const totalBits = messages.reduce((sum, message) => sum + 8 * message.byteLength, 0);
    let noticed = 0;
    for (const [index, message] of messages.entries()) {
      for (let bit = 0; bit < 8 * message.byteLength; bit++) {
        const damaged = messages.map((one) => Uint8Array.from(one));
        flip(damaged[index] as Uint8Array, bit);
        const received = receive(damaged, bytes.byteLength);
        if (received === null) noticed++;
        else assert.deepEqual(received, bytes, `message ${index}, bit ${bit}`);
      }
    }
    assert(noticed > 0.99 * totalBits, `${noticed} of ${totalBits} noticed`);
  });

  it("detects random damage of several bits in many bytes", () => {
    const random = createRandom(11);
    const sent = randomBytes(chunkBytes + 4_096, 5);
    for (let round = 0; round < 20; round++) {
      const chunks = [...encodeTensorChunks(sent)].map((one) => ({ ...one, data: Buffer.from(one.data) }));
      for (let hits = 1 + random(5); hits > 0; hits--) {
        const { data } = chunks[random(chunks.length)] as TensorChunk;
        flip(data, random(8 * data.byteLength));
      }
      const damaged = chunks.some(
        ({ data, offsetBytes }) => !data.equals(sent.subarray(offsetBytes, offsetBytes + data.byteLength)),
      );
      const assembler = new TensorAssembler(headerFor(sent), { layoutSha256, into: new Uint8Array(sent.byteLength) });
      const addAll = () => chunks.forEach((one) => void assembler.add(one));
      if (damaged) assert.throws(addAll, refused("bad-chunk", /checksum/));
      else addAll();
    }
  });
});

function receive([header, ...chunks]: Uint8Array[], totalBytes: number): Uint8Array | null {
  const into = new Uint8Array(totalBytes);
  try {
    const assembler = new TensorAssembler(TensorHeader.decode(header as Uint8Array), { layoutSha256, into });
    for (const one of chunks) assembler.add(TensorChunk.decode(one));
    assembler.finish();
    return into;
  } catch {
    return null; // refused by the wire format or by the assembler
  }
}

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
}
