import assert from "node:assert/strict";
import { test } from "node:test";
import { describeError, UserError } from "./index.js";

test("describeError appends the messages of the causes", () => {
  const inner = new Error("disk full");
  assert.equal(
    describeError(new Error("cannot write", { cause: new Error("copy", { cause: inner }) })),
    "cannot write: copy: disk full",
  );
});

test("describeError does not repeat a cause that the message contains", () => {
  const cause = new Error("ENOENT: no such file");
  assert.equal(
    describeError(new UserError(`labels: ${cause.message} (--data)`, { cause })),
    "labels: ENOENT: no such file (--data)",
  );
});

test("describeError accepts values that are not errors, and errors without a message", () => {
  assert.equal(describeError("odd"), "odd");
  assert.equal(describeError(new TypeError()), "TypeError");
  assert.equal(describeError(new Error("the disk is full", { cause: null })), "the disk is full");
});
