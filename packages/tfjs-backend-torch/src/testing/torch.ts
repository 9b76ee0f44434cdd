// Owns what the tests of this package share: the skip reason where the addon is not built, and comparisons.
import assert from "node:assert/strict";
import { torchStatus } from "../register.js";

const status = torchStatus();
/** For node:test's options. */
export const needsTorch = { skip: status.available ? false : status.reason };

/** Each difference within `tolerance` of the expected tensor's maximum, or within `absolute` where all of it is tiny. */
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
