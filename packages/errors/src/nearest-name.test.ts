import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./index.js";

const names = ["male", "female", "other"];
const options = { plain: (name: string) => name.toLowerCase(), maxEdits: (length: number) => Math.floor(length / 3) };

test("the nearest name is the one of the fewest edits: put in, left out or exchanged letters", () => {
  for (const text of ["femal", "fermale", "fexale", "FEMALE"]) {
    assert.equal(nearestName(text, names, options), "female", text);
  }
  assert.equal(nearestName("mal", names, options), "male");
});

test("of names as near as each other the first is meant", () => {
  assert.equal(nearestName("cat", ["bat", "car"], options), "bat");
});

test("what is farther away than allowed, empty or no name at all is near to none", () => {
  for (const text of ["moose", "", "x".repeat(101)]) assert.equal(nearestName(text, names, options), null, text);
  assert.equal(nearestName("moose", names, { ...options, maxEdits: () => 5 }), "male");
  assert.equal(nearestName("male", [], options), null);
});
