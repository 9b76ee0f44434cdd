import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./index.js";

const names = ["male", "female", "other"];
const options = {
  normalize: (name: string) => name.toLowerCase(),
  maxEdits: (length: number) => Math.floor(length / 3),
};

test("the nearest name is the one with the fewest inserted, deleted or replaced letters", () => {
  for (const text of ["femal", "fermale", "fexale", "FEMALE"]) {
    assert.equal(nearestName(text, names, options), "female", text);
  }
  assert.equal(nearestName("mal", names, options), "male");
});

test("of equally near names the first is chosen", () => {
  assert.equal(nearestName("cat", ["bat", "car"], options), "bat");
});

test("a text that is too far away, empty or too long is near to no name", () => {
  for (const text of ["moose", "", "x".repeat(101)]) assert.equal(nearestName(text, names, options), null, text);
  assert.equal(nearestName("moose", names, { ...options, maxEdits: () => 5 }), "male");
  assert.equal(nearestName("male", [], options), null);
});
