import assert from "node:assert/strict";
import { test } from "node:test";
import { isColored } from "./colors.js";

test("results are coloured on a terminal alone, unless NO_COLOR or FORCE_COLOR say otherwise", () => {
  const terminal = { isTTY: true };
  assert.ok(isColored(terminal, {}));
  assert.ok(!isColored(terminal, { NO_COLOR: "1" }));
  assert.ok(!isColored(terminal, { TERM: "dumb" }));
  assert.ok(!isColored({}, {}));
  const inContinuousIntegration: object = { CI: "true" };
  assert.ok(!isColored({}, inContinuousIntegration));
  assert.ok(isColored({}, { FORCE_COLOR: "1" }));
  assert.ok(!isColored(terminal, { FORCE_COLOR: "0" }));
  assert.ok(!isColored({}, { FORCE_COLOR: "1", NO_COLOR: "1" }));
});
