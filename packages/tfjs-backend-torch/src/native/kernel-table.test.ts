import assert from "node:assert/strict";
import { test } from "node:test";
import { needsTorch } from "../testing/torch.js";
import { loadAddon } from "./addon.js";
import { nativeKernelNames } from "./kernel-table.js";

test("TypeScript and C++ list the same kernels in the same order", needsTorch, () => {
  assert.deepEqual(Object.keys(loadAddon().kernels), [...nativeKernelNames]);
});
