import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { kernels, loadNative, nativeStatus } from "./native.js";
import { referenceKernels } from "./reference-kernels.js";
import { numericsVersion } from "./version.js";

const index = new URL("./index.js", import.meta.url).href;

/** Runs `body` in a worker thread, where `numerics` is this package. @returns the value that `body` returns */
function inWorker<T>(body: string, env: Record<string, string> = {}): Promise<T> {
  const code = `import("${index}").then(async (numerics) => {
    require("node:worker_threads").parentPort.postMessage(await (async () => { ${body} })());
  });`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, env: { ...process.env, ...env } });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

test("nativeStatus reports which kernels are in use, and why", () => {
  const status = nativeStatus();
  if (status.available) {
    assert.notEqual(kernels(), referenceKernels);
    assert.ok(status.version?.startsWith(`${numericsVersion} C++ `));
    assert.deepEqual(loadNative({ required: true }), status);
  } else {
    assert.equal(kernels(), referenceKernels);
    assert.ok(status.reason);
    assert.throws(() => loadNative({ required: true }), { name: "UserError" });
  }
});

test("LOCKSTEP_NATIVE=off turns the addon off, and `required` refuses that", async () => {
  const answer = await inWorker<{ status: unknown; refusal: string }>(
    `try { numerics.loadNative({ required: true }); return {}; }
     catch (error) { return { status: numerics.nativeStatus(), refusal: error.name + ": " + error.message }; }`,
    { LOCKSTEP_NATIVE: "off" },
  );
  const reason = "turned off by LOCKSTEP_NATIVE=off";
  assert.deepEqual(answer, { status: { available: false, reason }, refusal: `UserError: native numerics: ${reason}` });
});

test("several worker threads load the kernels and give the same bits as the main thread", async () => {
  const shared = new Float32Array(new SharedArrayBuffer(4 * 4000));
  const parts = await Promise.all(
    [0, 1, 2, 3].map((part) =>
      inWorker<{ norm: number; available: boolean; values: Float32Array }>(
        `const values = new Float32Array(1000);
         numerics.fillUniform(new numerics.CounterRandom(5, 3, ${part}), values);
         return { norm: numerics.globalNorm(values), available: numerics.nativeStatus().available, values };`,
      ),
    ),
  );
  for (const [part, { norm, available, values }] of parts.entries()) {
    assert.equal(available, nativeStatus().available);
    shared.set(values, 1000 * part);
    assert.equal(Math.sqrt(kernels().sumOfSquares(shared.subarray(1000 * part, 1000 * part + 1000))), norm);
  }
});
