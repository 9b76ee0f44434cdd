// What the process prints and how it ends for a fault of the machine, whatever the command.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const lockstep = fileURLToPath(new URL("../bin/lockstep.js", import.meta.url));

/** Fails as the system would, in the middle of whatever the command does. */
const disturbance = `
const timer = setInterval(() => {
  if (process.listenerCount("uncaughtException") === 0) return;
  clearInterval(timer);
  throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
}, 1);`;

test("a full disk that no command expects is one line and exit code 1, and no stack trace", () => {
  const { stderr, status } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(disturbance)}`, lockstep, "config", "schema"],
    { encoding: "utf8" },
  );
  assert.equal(stderr, "lockstep: the disk is full (write, ENOSPC)\n");
  assert.equal(status, 1);
});
