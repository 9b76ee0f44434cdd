import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@lockstep/errors";
import { replaceJson } from "./json-file.js";
import { thisProcess } from "./process-identity.js";
import { replaceFile } from "./replace-file.js";
import { removeLeftovers, temporaryPathFor, withTemporaryPath } from "./temporary-path.js";
import { failCalls, replaceFileMethod, systemError } from "./testing/failing-calls.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

test("replaceFile leaves nothing but the new file in the folder", async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, "a.bin");
  await replaceFile(path, Buffer.from("first, longer"));
  await replaceFile(path, "second", { durable: false });
  assert.equal(await readFile(path, "utf8"), "second");
  const length = await replaceFile(path, async (file) => (await file.write("third")).bytesWritten, { mode: 0o600 });
  assert.equal(length, 5);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["a.bin"]);
});

test("replaceJson writes indented JSON that ends with a line feed", async (context) => {
  const path = join(await temporaryFolder(context), "a.json");
  await replaceJson(path, { steps: 3 });
  assert.equal(await readFile(path, "utf8"), '{\n  "steps": 3\n}\n');
});

test("a reader always finds a whole file while it is replaced again and again", async (context) => {
  const path = join(await temporaryFolder(context), "processes.json");
  const written = (n: number) => Array.from({ length: 500 }, () => n);
  await replaceJson(path, written(0), { durable: false });
  let done = false;
  const writing = (async () => {
    for (let n = 1; n <= 50; n++) await replaceJson(path, written(n), { durable: false });
    done = true;
  })();
  let reads = 0;
  while (!done) {
    const seen: number[] = JSON.parse(await readFile(path, "utf8"));
    assert.deepEqual(seen, written(seen[0] as number));
    reads++;
  }
  await writing;
  assert.ok(reads > 1);
});

test("a failed replacement leaves no temporary file", async (context) => {
  const folder = await temporaryFolder(context);
  await mkdir(join(folder, "folder/inside"), { recursive: true });
  await assert.rejects(replaceFile(join(folder, "folder"), "x"));
  const broken = replaceFile(join(folder, "file"), async (file) => {
    await file.write("half");
    throw new Error("broken off");
  });
  await assert.rejects(broken, /broken off/);
  assert.deepEqual(await readdir(folder), ["folder"]);
});

test("replaceFile writes every byte when a system call writes only three at a time", async (context) => {
  const path = join(await temporaryFolder(context), "a");
  await replaceFileMethod(context, "write", (real, bytes, offset, length, position) =>
    real(bytes, offset, Math.min(length as number, 3), position),
  );
  await replaceFile(path, "a text of some length");
  assert.equal(await readFile(path, "utf8"), "a text of some length");
});

test("replaceFile works on a file system that cannot flush folders, and reports other errors of a flush", async (context) => {
  const folder = await temporaryFolder(context);
  for (const code of ["EINVAL", "ENOTSUP"]) {
    failCalls(context, "open", { code, applies: (path) => path === folder });
    await replaceFile(join(folder, "a"), code);
    assert.equal(await readFile(join(folder, "a"), "utf8"), code);
  }
  await replaceFileMethod(context, "sync", () => Promise.reject(systemError("EIO", "fsync")));
  await assert.rejects(replaceFile(join(folder, "a"), "lost"), { code: "EIO" });
  assert.equal(await readFile(join(folder, "a"), "utf8"), "ENOTSUP");
});

test("a file system that cannot rename over a file is reported in one line", async (context) => {
  const path = join(await temporaryFolder(context), "a");
  failCalls(context, "rename", { code: "EEXIST" });
  await assert.rejects(
    replaceFile(path, "x"),
    (error) => error instanceof UserError && /a: its file system cannot replace a file by renaming/.test(error.message),
  );
});

test("no temporary path is made twice", () => {
  const names = Array.from({ length: 1000 }, () => temporaryPathFor("/cache/a.rgb"));
  assert.equal(new Set(names).size, names.length);
  assert.match(names[0] ?? "", /^\/cache\/\.tmp-a\.rgb-\d+-\d+-[0-9a-f]{16}-[0-9a-f]{16}$/);
});

/** The temporary name that a process of another container makes which has the same host name and the same pid. */
const containersName = (random: string) =>
  `.tmp-a.rgb-${process.pid}-${thisProcess().startTicks}-c0ffee00c0ffee00-${random.padStart(16, "0")}`;

test("removeLeftovers keeps another container's files for ten minutes after they were touched", async (context) => {
  const folder = await temporaryFolder(context);
  const names = { fresh: containersName("1"), old: containersName("2"), touched: containersName("3") };
  for (const name of Object.values(names)) await writeFile(join(folder, name), "half");
  for (const name of [names.old, names.touched]) await utimes(join(folder, name), 1e9, 1e9);
  await writeFile(join(folder, `${names.touched}.alive`), "7\n");
  await mkdir(join(folder, containersName("4")));
  await writeFile(join(folder, containersName("4"), "part"), "half");
  await utimes(join(folder, containersName("4")), 1e9, 1e9);
  await writeFile(join(folder, `${containersName("5")}.alive`), "7\n");
  await utimes(join(folder, `${containersName("5")}.alive`), 1e9, 1e9);
  context.mock.method(Date, "now", () => 0); // a wrong clock of this machine makes no difference
  await removeLeftovers(folder);
  assert.deepEqual((await readdir(folder)).sort(), [names.fresh, names.touched, `${names.touched}.alive`].sort());
});

test("withTemporaryPath touches a marker file as long as `make` runs", async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, "a.rgb");
  await withTemporaryPath(
    path,
    async (temporary) => {
      await writeFile(temporary, "half");
      while (!(await readdir(folder)).some((name) => name.endsWith(".alive"))) await delay(5);
    },
    { touchMs: 10 },
  );
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith(".alive")),
    [],
  );
});

test("with `exclusive`, removeLeftovers removes at once what other containers left", async (context) => {
  const folder = await temporaryFolder(context);
  const own = temporaryPathFor(join(folder, "a.rgb"));
  for (const path of [own, join(folder, containersName("1"))]) await writeFile(path, "half");
  await removeLeftovers(folder, { exclusive: true });
  assert.deepEqual(await readdir(folder), [basename(own)]);
});

test("removeLeftovers accepts an absent folder", async (context) => {
  await removeLeftovers(join(await temporaryFolder(context), "absent"));
});
