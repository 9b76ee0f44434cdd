import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { encodeSafetensors, type NamedTensor } from "@lockstep/checkpoint";
import { createLayout } from "@lockstep/protocol";
import { readInitialWeights } from "./initial-weights.js";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-weights-"));
});
after(() => rm(folder, { recursive: true }));

const layout = createLayout([
  { name: "kernel", shape: [2, 2], kind: "parameter" },
  { name: "bias", shape: [2], kind: "parameter" },
]);
const kernel: NamedTensor = { name: "kernel", shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) };
const bias: NamedTensor = { name: "bias", shape: [2], values: Float32Array.of(5, 6) };

async function fileOf(...tensors: NamedTensor[]): Promise<string> {
  const path = join(folder, "model.safetensors");
  const { head, data } = encodeSafetensors(tensors, {});
  await writeFile(path, Buffer.concat([head, ...data]));
  return path;
}

test("tensors are read by name, in any order of the file", async () => {
  for (const tensors of [
    [kernel, bias],
    [bias, kernel],
  ]) {
    const weights = await readInitialWeights(await fileOf(...tensors), layout);
    for (const { name, offset, size } of layout.tensors) {
      const { values } = name === "kernel" ? kernel : bias;
      assert.deepEqual(weights.subarray(offset, offset + size), values);
    }
  }
});

test("weights of another model are refused with every difference", async () => {
  const wide: NamedTensor = { name: "kernel", shape: [1, 4], values: kernel.values };
  const head: NamedTensor = { name: "head", shape: [1], values: Float32Array.of(1) };
  await assert.rejects(
    readInitialWeights(await fileOf(wide, head), layout),
    /weights of another model: (?=.*kernel is \[1,4\], the model's \[2,2\])(?=.*bias is missing)(?=.*head is not in the model)/,
  );
});

test("a path without weights, and weights that are not finite, are refused in one line", async () => {
  const broken: NamedTensor = { ...bias, values: Float32Array.of(5, Number.NaN) };
  await assert.rejects(readInitialWeights(await fileOf(kernel, broken), layout), /hold a NaN or an infinity/);
  await assert.rejects(
    readInitialWeights(join(folder, "none"), layout),
    /^UserError: .*none: does not exist \(--init-from\)$/,
  );
  await assert.rejects(readInitialWeights(folder, layout), /neither a checkpoint .* nor a run's folder/);
  await writeFile(join(folder, "text.safetensors"), "no weights at all");
  await assert.rejects(readInitialWeights(join(folder, "text.safetensors"), layout), /not a sound safetensors file/);
});
