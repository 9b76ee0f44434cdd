// `lockstep health` is a probe: whatever is wrong, its exit code is 1, and it takes 3 seconds at most.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runLockstep } from "@lockstep/testkit";

test("a probe that is asked wrongly says so, with exit code 1 and not 2, which Docker keeps for itself", async () => {
  for (const [args, words] of [
    [[], /^lockstep: missing required argument 'address'/],
    [["127.0.0.1:1", "--tls", ""], /^lockstep: --tls /],
    [["127.0.0.1:1", "--tls", "/nowhere"], /^127.0.0.1:1: cannot be reached: \/nowhere\/ca.crt: is missing/],
    [["127.0.0.1:1", "--unknown"], /^lockstep: unknown option '--unknown'/],
    [["nowhere"], /^nowhere: cannot be reached: address "nowhere": must be host:port/],
    [["127.0.0.1:1"], /^127.0.0.1:1: cannot be reached: connect ECONNREFUSED 127.0.0.1:1$/],
  ] as const) {
    const { code, stdout, stderr } = await runLockstep(["health", ...args]);
    assert.equal(code, 1, stderr);
    assert.match((stdout + stderr).trim(), words);
    assert.equal((stdout + stderr).trim().split("\n").length, 1);
  }
  assert.equal((await runLockstep(["health", "--help"])).code, 0);
});
