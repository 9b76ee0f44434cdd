import assert from "node:assert/strict";
import { test } from "node:test";
import { cudaLibrariesText } from "./cuda-libraries.js";

test("cuDNN's version is whole, where libtorch prints 9.19.0 as 91.9", () => {
  const config = (cudnn: string): string =>
    `  - CUDA Runtime 13.0\n  - NVCC architecture flags: -gencode;arch=compute_90,code=sm_90\n  - CuDNN ${cudnn}\n  - Magma 2.6.1\n`;
  const versions: [string, string][] = [
    ["91.9", "9.19.0"],
    ["91.0.2", "9.10.2"],
    ["90.1", "9.1.0"],
    ["91.0.2  (built against CUDA 12.9)", "9.10.2  (built against CUDA 12.9)"],
    ["8.9.7", "8.9.7"],
    ["8.5", "8.5.0"],
  ];
  for (const [printed, version] of versions) {
    assert.equal(cudaLibrariesText(config(printed)), `CUDA Runtime 13.0, cuDNN ${version}, Magma 2.6.1`);
  }
});
