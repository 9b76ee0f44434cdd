import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { findJoinToken, JoinToken } from "./join-token.js";

describe("JoinToken", () => {
  const first = "first-0123456789-0123456789";
  const second = "second-0123456789-0123456789";
  let dir = "";
  let file = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "lockstep-token-"));
    file = join(dir, "join-token");
  });
  after(() => rm(dir, { recursive: true }));

  it("matches itself alone, whatever the length", async () => {
    await writeFile(file, `${first}\n`);
    const token = new JoinToken(file);
    assert.equal(token.current(), first);
    assert.equal(token.matches(first), true);
    for (const other of ["", "x", first.slice(1), `${first} `, second]) assert.equal(token.matches(other), false);
  });

  it("is read again after 1 s, and the former one holds while the file is broken", async () => {
    await writeFile(file, first);
    let nowMs = 0;
    const token = new JoinToken(file, () => nowMs);
    await writeFile(file, second);
    nowMs = 999;
    assert.equal(token.current(), first);
    assert.equal(token.matches(second), false);
    nowMs = 1_000;
    assert.equal(token.matches(second), true);
    assert.equal(token.matches(first), false);
    assert.equal(token.current(), second);
    await writeFile(file, "");
    nowMs = 2_000;
    assert.equal(token.current(), second);
  });

  it("is found in the folder of certificates, or is none; a file that is named must be there", async () => {
    await writeFile(file, first);
    assert.equal(findJoinToken({ tlsFolder: dir })?.current(), first);
    assert.equal(findJoinToken({ tlsFolder: tmpdir() }), null);
    assert.equal(findJoinToken({}), null);
    assert.throws(() => findJoinToken({ file: join(dir, "absent"), tlsFolder: dir }), /absent: cannot be read/);
  });

  it("is no absence where a link in the folder leads nowhere, or the folder is none", async () => {
    const folder = join(dir, "linked");
    await mkdir(folder);
    await symlink(join(dir, "swapped-away"), join(folder, "join-token"));
    assert.throws(() => findJoinToken({ tlsFolder: folder }), /linked\/join-token: cannot be read: .*ENOENT/);
    assert.throws(() => findJoinToken({ tlsFolder: file }), /join-token\/join-token: cannot be read: .*ENOTDIR/);
  });

  for (const text of ["", "short", `${first}\n${second}`, "äöü-0123456789-0123456789"]) {
    it(`refuses ${JSON.stringify(text)} as a user's mistake`, async () => {
      await writeFile(file, text);
      assert.throws(() => new JoinToken(file), UserError);
    });
  }
});
