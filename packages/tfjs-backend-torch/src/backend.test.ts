import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import type { TorchBackend } from "./backend.js";
import { registerTorchBackend, releasePool, torchInfo } from "./register.js";
import { tinyCnnGradients } from "./testing/tiny-cnn.js";
import { needsTorch } from "./testing/torch.js";

const torch = () => tf.backend() as TorchBackend;

describe("the torch backend", needsTorch, () => {
  before(async () => {
    await registerTorchBackend({ device: "cpu" });
    await tf.setBackend("torch");
  });

  test("keeps the number of tensors and the native bytes over 50 steps", () => {
    const step = () => tinyCnnGradients({ batch: 2, size: 8, channels: [4, 4], fusedNorm: true });
    step();
    const tensors = tf.memory().numTensors;
    const { tensors: handles, bytesInUse } = torch().memory();
    for (let i = 0; i < 50; i++) step();
    assert.equal(tf.memory().numTensors, tensors);
    assert.equal(torch().memory().tensors, handles);
    assert.equal(torch().memory().bytesInUse, bytesInUse);
  });

  test("frees the native tensor and its views when the last reference is disposed", () => {
    const { tensors } = torch().memory();
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const flat = tf.reshape(x, [4]);
    tf.add(flat, 1).dispose();
    assert.equal(torch().memory().tensors, tensors + 2, "x and its view");
    x.dispose();
    assert.deepEqual(Array.from(flat.dataSync()), [1, 2, 3, 4]);
    flat.dispose();
    assert.equal(torch().memory().tensors, tensors);
  });

  test("copies an uploaded array, so that a later change of the array does not change the tensor", () => {
    const values = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(values);
    values.fill(9);
    assert.deepEqual(Array.from(x.dataSync()), [1, 2, 3]);
    x.dispose();
  });

  test("reads into a part of a SharedArrayBuffer, and writes from a part of one", () => {
    const shared = new Float32Array(new SharedArrayBuffer(32), 8, 4);
    const x = tf.tensor1d([1, 2, 3, 4]);
    torch().readInto(x.dataId, shared);
    assert.deepEqual(Array.from(shared), [1, 2, 3, 4]);
    shared.fill(5);
    torch().writeFrom(x.dataId, shared);
    shared.fill(6);
    assert.deepEqual(Array.from(x.dataSync()), [5, 5, 5, 5]);
    assert.throws(
      () => torch().readInto(x.dataId, shared.subarray(1)),
      /download: the tensor has 4 elements, the array has 3/,
    );
    x.dispose();
  });

  test("keeps freed memory in its pool until releasePool is called", () => {
    tf.zerosLike(tf.fill([1000, 1000], 1)).dispose();
    tf.disposeVariables();
    assert.ok(torch().memory().bytesPooled > 0);
    releasePool();
    assert.equal(torch().memory().bytesPooled, 0);
  });

  test("keeps subnormal numbers", () => {
    const x = tf.tensor1d([1e-40]);
    assert.ok((tf.mul(x, 1).dataSync()[0] ?? 0) > 0);
  });

  test("refuses an operation whose kernel is missing, by the kernel's name", () => {
    assert.throws(() => tf.topk(tf.tensor1d([1, 2, 3]), 2), /Kernel 'TopK' not registered for backend 'torch'/);
  });

  test("refuses an unsupported dtype by name", () => {
    assert.throws(() => tf.tensor1d(["a"]), /torch backend: write: dtype string is not supported/);
    assert.throws(() => tf.cast(tf.tensor1d([1]), "complex64"), /Complex|complex64/);
  });

  test("converts an exception of libtorch to an error that names the kernel", () => {
    const run = () =>
      tf
        .engine()
        .runKernel("Add", { a: tf.tensor1d([1, 2]), b: tf.tensor1d([1, 2, 3]) } as unknown as tf.NamedTensorMap);
    assert.throws(run, /^Error: Add: The size of tensor a \(2\) must match the size of tensor b \(3\)/);
    assert.throws(() => tf.gather(tf.tensor1d([1, 2]), [2]), /GatherV2: the index value 2 is not in \[0, 1\]/);
  });

  test("refuses a pool size other than 2 in the fused kernel", () => {
    const inputs = { x: tf.zeros([1, 4, 4, 1]), scale: tf.ones([1]), offset: tf.ones([1]) };
    const run = () =>
      tf
        .engine()
        .runKernel("BatchNormReluMaxPool", inputs as unknown as tf.NamedTensorMap, { epsilon: 1e-5, poolSize: 3 });
    assert.throws(run, /BatchNormReluMaxPool: poolSize 3: must be 2/);
  });

  test("reports the versions of the libraries and the instruction sets", () => {
    const info = torchInfo();
    assert.match(info.libtorch, /^\d+\.\d+/);
    assert.match(info.atenInstructionSet, /\w/);
    assert.equal(info.cudaDevice === null, info.cuDnn === null);
    assert.equal(info.cudaDevice === null, info.cudaRuntime === null);
  });

  test("traces every native call to stderr when LOCKSTEP_TORCH_TRACE is 1", async () => {
    const script = `
      const tf = await import("@tensorflow/tfjs-core");
      const { registerTorchBackend } = await import(${JSON.stringify(new URL("./index.js", import.meta.url).href)});
      await registerTorchBackend({ device: "cpu" });
      await tf.setBackend("torch");
      tf.add(tf.tensor1d([1, 2]), 1);`;
    const { stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      env: { ...process.env, LOCKSTEP_TORCH_TRACE: "1" },
    });
    assert.match(stderr, /torch upload\(2\)/);
    assert.match(stderr, /torch Add\(Float\[2\], Float\[\]\) [\d.]+ us/);
  });
});

describe("results that libtorch alone would compute wrong", needsTorch, () => {
  before(async () => {
    await registerTorchBackend({ device: "cpu" });
    await tf.setBackend("torch");
  });

  test("a row that belongs to no segment adds nothing to a segment sum, even if it contains an infinity", () => {
    const rows = tf.tensor2d([1, 2, Number.POSITIVE_INFINITY, Number.NaN], [2, 2]);
    assert.deepEqual(Array.from(tf.unsortedSegmentSum(rows, tf.tensor1d([0, -1], "int32"), 1).dataSync()), [1, 2]);
  });

  test("a masked gradient is 0, even if the incoming gradient is infinite", () => {
    const dy = tf.tensor1d([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    const x = tf.tensor1d([-1, 1]);
    const operations: ((x: tf.Tensor) => tf.Tensor)[] = [
      tf.relu,
      tf.relu6,
      (a) => tf.maximum(a, 0),
      (a) => tf.where(tf.tensor1d([0, 1], "bool"), a, 0),
    ];
    for (const operation of operations) {
      assert.deepEqual(Array.from(tf.grad(operation)(x, dy).dataSync()), [0, Number.POSITIVE_INFINITY]);
    }
  });

  test("max-pool of large int32 numbers is exact", () => {
    const x = tf.tensor4d([1, 16777217, 2147483647, 3], [1, 2, 2, 1], "int32");
    assert.deepEqual(Array.from(tf.maxPool(x, 2, 2, "valid").dataSync()), [2147483647]);
    assert.deepEqual(Array.from(tf.maxPool(x, [1, 2], [1, 2], "valid").dataSync()), [16777217, 2147483647]);
  });

  test("clipping int32 numbers at an infinity does not change them", () => {
    const x = tf.tensor1d([-5, 7], "int32");
    assert.deepEqual(Array.from(tf.clipByValue(x, 0, Number.POSITIVE_INFINITY).dataSync()), [0, 7]);
  });

  test("every byte of a bool tensor except 0 is true", () => {
    assert.deepEqual(Array.from(tf.tensor1d(Uint8Array.of(0, 1, 2), "bool").dataSync()), [0, 1, 1]);
  });

  test("operations without a right result are refused", () => {
    const flags = tf.tensor1d([1, 1], "bool");
    assert.throws(() => tf.add(flags, flags), /^Error: Add: dtype bool is not supported/);
    assert.throws(() => tf.addN([flags, flags]), /^Error: AddN: dtype bool is not supported/);
    for (const value of [Number.NaN, 3e9, Number.NEGATIVE_INFINITY]) {
      assert.throws(
        () => tf.cast(tf.tensor1d([value]), "int32"),
        /^Error: Cast: cannot convert to int32: a number is NaN or too large/,
      );
    }
  });
});
