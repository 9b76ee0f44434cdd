import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  asUserError,
  exitCode,
  exitCodeOf,
  isMachineFault,
  MachineFault,
  RunFailed,
  UnfitMachine,
  UserError,
} from "./index.js";
import { systemErrorIn, systemErrorText } from "./system-error.js";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: in Node's words, write`), { code, syscall: "write", errno: -1 });
}

test("systemErrorIn finds a system error among the causes", async () => {
  const missing: unknown = await readFile("/no/such/file").catch((error: unknown) => error);
  const found = systemErrorIn(new UserError("cannot be read", { cause: new Error("inner", { cause: missing }) }));
  assert.equal(found?.code, "ENOENT");
  assert.equal(found?.path, "/no/such/file");
  assert.equal(found && systemErrorText(found), "does not exist");
  assert.equal(systemErrorIn(new Error("a bug")), null);
  assert.equal(systemErrorIn("text"), null);
  // Node's argument errors have a code too, but they are bugs of Lockstep
  assert.equal(systemErrorIn(Object.assign(new TypeError("bad"), { code: "ERR_INVALID_ARG_TYPE" })), null);
});

test("a full or failing disk never gives exit code 2", () => {
  for (const code of ["ENOSPC", "EDQUOT", "EIO"]) {
    const error = new UserError("runs/a: cannot be used", { cause: systemError(code) });
    assert.equal(isMachineFault(error), true);
    assert.equal(exitCodeOf(error), exitCode.failure);
  }
  assert.equal(exitCodeOf(new MachineFault("1 MiB is free, 2 MiB are needed")), exitCode.failure);
  assert.equal(exitCodeOf(new UserError("no permission", { cause: systemError("EACCES") })), exitCode.userError);
});

test("asUserError turns a system error into one line, and returns other errors unchanged", () => {
  const full = asUserError(systemError("ENOSPC"), "runs/a: cannot be written");
  assert.ok(full instanceof MachineFault);
  assert.equal(full.message, "runs/a: cannot be written: the disk is full");
  const denied = asUserError(systemError("EACCES"), "runs/a: cannot be written");
  assert.ok(denied instanceof UserError && !(denied instanceof MachineFault));
  const bug = new Error("a bug");
  assert.equal(asUserError(bug, "runs/a"), bug);
});

test("each kind of error has its exit code", () => {
  assert.equal(exitCodeOf(new UserError("a bad flag")), exitCode.userError);
  assert.equal(exitCodeOf(new UnfitMachine("no GPU")), exitCode.unfitMachine);
  assert.equal(exitCodeOf(new RunFailed("a NaN")), exitCode.failure);
  assert.equal(exitCodeOf(new Error("a bug")), exitCode.failure);
});
