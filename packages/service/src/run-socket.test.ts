import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { chooseRunSocket } from "./run-socket.js";
import { maxSocketPathBytes } from "./socket-path.js";
import { createRecordingLog } from "./testing/recording-log.js";

describe("chooseRunSocket", () => {
  let dir = "";
  let out = "";
  let long = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "lockstep-place-"));
    out = join(dir, "run");
    long = join(dir, "r".repeat(maxSocketPathBytes - dir.length));
    for (const folder of [out, long, join(dir, "tmp"), join(dir, "xdg")]) await mkdir(folder);
  });
  after(() => rm(dir, { recursive: true }));
  const choose = (options: Partial<Parameters<typeof chooseRunSocket>[0]>) =>
    chooseRunSocket({ out, environment: {}, temporaryFolder: join(dir, "tmp"), log: createRecordingLog(), ...options });
  const own = `lockstep-${process.getuid?.() ?? 0}`;

  it("takes the run's folder, and leaves nothing there", async () => {
    assert.equal((await choose({})).path, join(out, "run.sock"));
    assert.deepEqual(await readdir(out), []);
  });

  it("needs no temporary folder then", async () => {
    assert.equal((await choose({ temporaryFolder: "/nowhere" })).path, join(out, "run.sock"));
  });

  it("takes the second name while a process listens at the first", async () => {
    const former = createServer().listen(join(out, "run.sock"));
    await once(former, "listening");
    assert.equal((await choose({})).path, join(out, "run-2.sock"));
    former.close();
  });

  it("takes $XDG_RUNTIME_DIR where the run's folder has too long a path, and the temporary folder without it", async () => {
    const runtime = await choose({ out: long, environment: { XDG_RUNTIME_DIR: join(dir, "xdg") } });
    assert.match(runtime.path, /\/xdg\/lockstep\/[0-9a-f]{12}\.sock$/);
    const relative = await choose({ out: long, environment: { XDG_RUNTIME_DIR: "xdg" } });
    assert.match(relative.path, new RegExp(`/tmp/${own}/[0-9a-f]{12}\\.sock$`));
  });

  it("makes a folder for this user alone, the same one each time, and makes it again", async () => {
    const { path, ensureFolder } = await choose({ out: long });
    const folder = join(dir, "tmp", own);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await choose({ out: long })).path, path);
    assert.deepEqual(await readdir(folder), []);
    await rm(folder, { recursive: true });
    ensureFolder();
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
  });

  it("refuses a folder in the temporary folder that others may write to", async () => {
    const shared = join(dir, "shared");
    await mkdir(join(shared, own), { recursive: true });
    await chmod(join(shared, own), 0o777);
    await assert.rejects(choose({ out: long, temporaryFolder: shared }), /shared\/\S+: is not this user's alone/);
  });

  it("names every place and what is wrong there, in one line, where there is none", async () => {
    const nowhere = join(dir, "nowhere");
    await assert.rejects(choose({ out: long, temporaryFolder: nowhere }), (error: Error) => {
      assert(error instanceof UserError);
      assert.match(
        error.message,
        /^no place for the run's socket: cannot listen on unix:\S+\/run\.sock: the path has \d+ bytes, the system allows 10\d/,
      );
      assert.match(error.message, /; ENOENT: no such file or directory, mkdir '\S+\/nowhere\/\S+'; set TMPDIR to/);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
});
