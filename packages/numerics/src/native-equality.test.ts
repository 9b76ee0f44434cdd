// Tests the contract of kernels.ts: the native and the TypeScript kernels give equal bits, for any data, alignment and length, in
// ordinary and in shared memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterRandom, randomDomain } from "./counter-random.js";
import type { Kernels } from "./kernels.js";
import { kernels, nativeStatus } from "./native.js";
import { referenceKernels } from "./reference-kernels.js";
import { anyFloats, bitsOf, plainFloats } from "./test-floats.js";

const native = kernels();
const { available, reason } = nativeStatus();
const options = available ? {} : { skip: `the addon is not in use: ${reason}` };
const lengths = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 129, 1000, 4097];

type Floats = (length: number, stream: number) => Float32Array;
const data: Record<string, Floats> = { any: anyFloats, plain: plainFloats };

/** Copies at different offsets in their memory, so that vectors have different alignments. */
const memories: Record<string, (values: Float32Array) => Float32Array> = {
  aligned: (values) => values.slice(),
  "one element off": (values) => placed(new ArrayBuffer(4 * values.length + 4), 1, values),
  "three elements off, shared": (values) => placed(new SharedArrayBuffer(4 * values.length + 12), 3, values),
};

function placed(buffer: ArrayBufferLike, skew: number, values: Float32Array): Float32Array {
  const view = new Float32Array(buffer, 4 * skew, values.length);
  view.set(values);
  return view;
}

/** Runs the native and the TypeScript kernel on copies of the inputs, and compares the bits of every array. */
function compare(inputs: Floats[], run: (kernels: Kernels, arrays: Float32Array[]) => unknown): void {
  for (const [memoryName, place] of Object.entries(memories)) {
    for (const length of lengths) {
      const arrays = inputs.map((make, stream) => make(length, stream));
      const byNative = arrays.map(place);
      const byReference = arrays.map((values) => values.slice());
      const results = [run(native, byNative), run(referenceKernels, byReference)];
      const where = `${memoryName}, length ${length}`;
      assert.deepEqual(results[0], results[1], where);
      for (const [index, values] of byNative.entries()) {
        assert.deepEqual(bitsOf(values), bitsOf(byReference[index] ?? new Float32Array()), `${where}, array ${index}`);
      }
    }
  }
}

test("the addon exports exactly the kernels of kernels.ts", options, () => {
  const offered = Object.keys(native).filter((name) => name !== "version" && name !== "compiler");
  assert.deepEqual(offered, Object.keys(referenceKernels));
});

for (const [name, floats] of Object.entries(data)) {
  // A negative second moment does not occur in training. Its square root is NaN in both kernels.
  test(`adam, sgd and updateStatistics give equal bits on ${name} floats`, options, () => {
    const constants = Float32Array.of(0.37, 0.01, 0.999, 0.9, 1 - 0.9, 0.999, 1 - 0.999, 0.0316, 1e-8, 1e-3);
    compare([floats, floats, floats, floats], (k, [w, g, m, v]) => w && g && m && v && k.adam(w, g, m, v, constants));
    const tiny = Float32Array.of(1e-20, 0, 1, 0.9, 1 - 0.9, 0.999, 1 - 0.999, 1, 1e-30, 1e-10);
    compare([floats, floats, floats, floats], (k, [w, g, m, v]) => w && g && m && v && k.adam(w, g, m, v, tiny));
    const sgd = Float32Array.of(0.37, 0.01, 0.9, 0.1);
    compare([floats, floats, floats], (k, [w, g, velocity]) => w && g && velocity && k.sgd(w, g, velocity, sgd));
    compare([floats, floats], (k, [w, g]) => w && g && k.sgd(w, g, null, sgd));
    compare([floats, floats, floats], (k, [r, s, m]) => r && s && m && k.updateStatistics(r, s, m, 77));
  });

  test(`addFloat32 and scaleFloat32 give equal bits on ${name} floats`, options, () => {
    compare([floats, floats], (k, [into, from]) => into && from && k.addFloat32(into, from));
    for (const factor of [0.3, 1e-30, 3e38, 0].map(Math.fround)) {
      compare([floats], (k, [into]) => into && k.scaleFloat32(into, factor));
    }
  });

  test(`sumOfSquares and allFinite give equal results on ${name} floats`, options, () => {
    compare([floats], (k, [x]) => x && k.sumOfSquares(x));
    compare([floats], (k, [x]) => x && k.allFinite(x));
  });
}

test("addFloat64 and scaleFloat64 give equal bits", options, () => {
  for (const length of lengths) {
    const into = Float64Array.from(plainFloats(length, 1), (value) => value / 3);
    const from = Float64Array.from(plainFloats(length, 2), (value) => value / 7);
    const results = [native, referenceKernels].map((k) => {
      const sum = into.slice();
      k.addFloat64(sum, from);
      k.scaleFloat64(sum, 0.1);
      return new BigUint64Array(sum.buffer);
    });
    assert.deepEqual(results[0], results[1]);
  }
});

test("denormal results are not flushed to zero", options, () => {
  const small = Float32Array.of(1.17549435e-38, 1e-45, 3e-39);
  native.scaleFloat32(small, 0.5);
  assert.deepEqual([...small], [1.17549435e-38 / 2, 0, 3e-39 / 2].map(Math.fround));
  assert.ok((small[0] ?? 0) > 0);
});

test("an array can be added to itself", options, () => {
  const values = plainFloats(100, 3);
  const doubled = values.map((value) => 2 * value);
  native.addFloat32(values, values);
  assert.deepEqual(values, doubled);
});

test("fillUniform gives equal bits for every start", options, () => {
  const coordinates = Uint32Array.of(7, 0xffffffff, 3, 2, 0x80000000);
  for (const first of [0, 1, 2, 3, 5, 2 ** 32 - 1]) {
    compare([plainFloats], (k, [out]) => out && k.fillUniform(coordinates, first, out));
  }
});

test("warpImages gives equal bits for random maps, sides and batches", options, () => {
  const random = new CounterRandom(31, randomDomain.augmentation);
  let draw = 0;
  const between = (low: number, high: number) => low + (high - low) * random.uniform(draw++);
  for (const [batch, size, outSize] of [
    [1, 1, 1],
    [2, 5, 7],
    [3, 33, 20],
    [2, 64, 64],
    [1, 20, 131],
  ] as const) {
    const pixels = Uint8Array.from({ length: batch * size * size * 3 }, () => random.uint32(draw++) & 255);
    const affine = Float32Array.from({ length: batch * 6 }, (_, i) => (i % 3 === 2 ? between(-9, 9) : between(-2, 2)));
    const colour = Float32Array.from({ length: batch * 12 }, (_, i) =>
      i % 12 < 9 ? between(-1, 2) : between(-50, 50),
    );
    const normalisation = Float32Array.of(0.485, 0.456, 0.406, 0.229, 0.224, 0.225);
    const shape = Uint32Array.of(batch, size, outSize);
    const [byNative, byReference] = [native, referenceKernels].map((k) => {
      const out = new Float32Array(batch * outSize * outSize * 3);
      k.warpImages(pixels, shape, affine, colour, normalisation, out);
      return bitsOf(out);
    });
    assert.deepEqual(byNative, byReference, `batch ${batch}, ${size} to ${outSize}`);
  }
});

test("warpImages gives equal bits for maps with any bit patterns", options, () => {
  const [batch, size, outSize] = [64, 9, 6];
  const pixels = Uint8Array.from({ length: batch * size * size * 3 }, (_, i) => (i * 37) & 255);
  const shape = Uint32Array.of(batch, size, outSize);
  const normalisation = Float32Array.of(0.5, 0.5, 0.5, 0.25, 0.25, 0.25);
  const [byNative, byReference] = [native, referenceKernels].map((k) => {
    const out = new Float32Array(batch * outSize * outSize * 3);
    k.warpImages(pixels, shape, anyFloats(6 * batch, 1), anyFloats(12 * batch, 2), normalisation, out);
    return bitsOf(out);
  });
  assert.deepEqual(byNative, byReference);
});

test("an array of the wrong type, or one that is too short, is an error", options, () => {
  const wrong = new Float64Array(4) as unknown as Float32Array; // the types forbid this
  assert.throws(() => native.addFloat32(wrong, new Float32Array(4)), /argument 0 has the wrong type/);
  assert.throws(() => native.addFloat32(new Float32Array(4), new Float32Array(3)), /argument 1 is too short/);
  const none = undefined as unknown as Float32Array;
  assert.throws(() => native.allFinite(none), /argument 0 has the wrong type/);
});
