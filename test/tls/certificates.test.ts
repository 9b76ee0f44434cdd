// `lockstep certs init` as the first step of every start: of several at once, all leave the same certificates.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runLockstep, temporaryFolder } from "@lockstep/testkit";

test("certs init by several processes at once leaves one CA and what it has signed", async () => {
  const folder = await temporaryFolder();
  try {
    const certs = join(folder.path, "certs");
    const ends = await Promise.all([1, 2, 3, 4].map(() => runLockstep(["certs", "init", certs])));
    for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
    assert.equal(ends.filter(({ stdout }) => stdout.includes("worker: made (new)")).length, 1);
    const { code, stdout } = await runLockstep(["certs", "init", certs]);
    assert.equal(code, 0);
    assert.equal(stdout.match(/: kept$/gm)?.length, 4, stdout);
  } finally {
    await folder.remove();
  }
});
