import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { describeEngines, loadEngine, requireBackend } from "./load-engine.js";

function recordingLog() {
  const warnings: string[] = [];
  return { warnings, log: { info() {}, warn: (_: object, message: string) => void warnings.push(message) } };
}

test("loading the cpu engine logs a warning that it is slow, with the way to get a fast one", async () => {
  const { warnings, log } = recordingLog();
  const engine = await loadEngine({ backend: "cpu", log });
  assert.equal(engine.backend, "cpu");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /thousands of times slower.*libtorch-dev/);
});

test("the fingerprint contains everything that can change a bit", async () => {
  const { numerics } = await loadEngine({ backend: "cpu", log: recordingLog().log });
  for (const part of ["backend", "tfjs", "v8", "numerics", "decoder", "instructionSet", "nativeThreads", "dataType"]) {
    assert.ok(part in numerics, part);
  }
  const { nativeThreads } = numerics;
  assert.equal(nativeThreads, 1);
});

test("two loads of the same engine have equal fingerprints", async () => {
  const [one, two] = [
    await loadEngine({ backend: "cpu", log: recordingLog().log }),
    await loadEngine({ backend: "cpu", log: recordingLog().log }),
  ];
  assert.deepEqual(one.numerics, two.numerics);
});

test("auto loads the first available engine and logs a warning for each unavailable one before it", async () => {
  const { warnings, log } = recordingLog();
  const descriptions = await describeEngines();
  const first = descriptions.findIndex(({ available }) => available);
  const engine = await loadEngine({ backend: "auto", log });
  assert.equal(engine.backend, descriptions[first]?.backend);
  for (const { backend, detail } of descriptions.slice(0, first)) {
    assert.ok(warnings.includes(`backend ${backend} is not available: ${detail}`));
  }
  engine.dispose();
});

test("a backend that is not available is refused in one line that tells what to do", async (t) => {
  const [tensorflow] = (await describeEngines()).filter(({ backend }) => backend === "tensorflow");
  if (tensorflow?.available) return t.skip("tfjs-node is installed");
  const line = /^backend tensorflow is not available: neither .*npm install.*; or choose another \(--backend\)$/;
  for (const refusal of [
    loadEngine({ backend: "tensorflow", log: recordingLog().log }),
    requireBackend("tensorflow"), // throws the same message without loading the backend
  ]) {
    await assert.rejects(refusal, (error) => error instanceof UserError && line.test(error.message));
  }
});

test("requireBackend accepts auto and every available backend", async () => {
  await requireBackend("auto");
  for (const { backend, available } of await describeEngines()) if (available) await requireBackend(backend);
});

test("a device that is not available is refused, and no other device is used instead", async (t) => {
  const [torch] = (await describeEngines()).filter(({ backend }) => backend === "torch");
  if (torch?.available && !torch.detail.includes("no CUDA device")) return t.skip("this machine has a GPU");
  for (const backend of ["auto", "torch", "cpu"] as const) {
    for (const refusal of [
      loadEngine({ backend, device: "cuda", log: recordingLog().log }),
      requireBackend(backend, "cuda"),
    ]) {
      await assert.rejects(refusal, (error) => error instanceof UserError && /cuda|not built/.test(error.message));
    }
  }
  await requireBackend("auto", "cpu");
  await requireBackend("cpu", "cpu");
});

test("readInto copies into shared memory and refuses an array of another length", async () => {
  const engine = await loadEngine({ backend: "cpu", log: recordingLog().log });
  const tensor = engine.upload(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const out = new Float32Array(new SharedArrayBuffer(16));
  engine.readInto(tensor, out);
  assert.deepEqual([...out], [1, 2, 3, 4]);
  assert.throws(() => engine.readInto(tensor, new Float32Array(3)), /4 elements into 3/);
  tensor.dispose();
});

test("changing an array after it was uploaded does not change the tensor", async () => {
  const engine = await loadEngine({ backend: "cpu", log: recordingLog().log });
  const values = new Float32Array(new SharedArrayBuffer(8));
  const tensor = engine.upload(values, [2]);
  values.fill(9);
  assert.deepEqual([...tensor.dataSync()], [0, 0]);
  tensor.dispose();
});

test("after dispose the same engine can be loaded again", async () => {
  (await loadEngine({ backend: "cpu", log: recordingLog().log })).dispose();
  const engine = await loadEngine({ backend: "cpu", log: recordingLog().log });
  const tensor = engine.upload(Float32Array.of(2), [1]);
  assert.deepEqual([...engine.tf.square(tensor).dataSync()], [4]);
});
