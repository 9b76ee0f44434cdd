// needsTorch and assertClose: skip a test if the addon is not built, and compare arrays.
import assert from "node:assert/strict";
import { torchStatus } from "../register.js";

const status = torchStatus();
/** Options of node:test that skip the test if the addon is not built. */
export const needsTorch = { skip: status.available ? false : status.reason };

/** Asserts that each difference is at most `tolerance` times the greatest expected value, or at most `absolute`. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { name, tolerance, absolute = 1e-6 }: { name: string; tolerance: number; absolute?: number },
): void {
  assert.equal(actual.length, expected.length, `${name}: length`);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const allowed = Math.max(tolerance * largest, absolute);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    assert.ok(difference <= allowed, `${name}[${i}]: ${actual[i]} for ${expected[i]}, more than ${allowed} apart`);
  }
}
