import assert from "node:assert/strict";
import { test } from "node:test";
import { torchInfoOf } from "./torch-info.js";

const plain = {
  ...{ libtorch: "2.11.0", oneDnn: "3.7.1", blas: "MKL", blasCore: null, atenInstructionSet: "AVX2" },
  ...{ oneDnnInstructionSet: null, cudaDevice: "NVIDIA H100", cudaDriver: "550.54.15", refusedSettings: null },
};

test("the version numbers of CUDA and cuDNN are decoded in full", () => {
  const decoded = (cudaRuntime: string | null, cuDnn: string | null) => {
    const info = torchInfoOf({ ...plain, cudaRuntime, cuDnn });
    return [info.cudaRuntime, info.cuDnn];
  };
  assert.deepEqual(decoded("12060", "91002"), ["12.6", "9.10.2"]);
  assert.deepEqual(decoded("13000", "90100"), ["13.0", "9.1.0"]);
  assert.deepEqual(decoded("11080", "8902"), ["11.8", "8.9.2"]);
  assert.deepEqual(decoded(null, null), [null, null]);
});
