import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { needsTorch } from "./testing/torch.js";

const runner = fileURLToPath(new URL("../conformance/run.mjs", import.meta.url));

test("tfjs-core's own specs pass on torch, except those in conformance/skips.json", needsTorch, (context) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner], { encoding: "utf8", timeout: 240_000 });
  assert.equal(status, 0, `${stdout}${stderr}`);
  const counts = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as {
    specs: number;
    passed: number;
    skipped: number;
  };
  context.diagnostic(`${counts.passed} of ${counts.specs} specs passed, ${counts.skipped} are listed as skips`);
  assert.ok(counts.passed > 3300, `only ${counts.passed} specs passed`);
});
