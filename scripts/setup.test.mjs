// What set-up finds, and that two of them do not collide.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, test } from "node:test";
import { findLibtorch } from "./libtorch.mjs";
import { acquireSetupLock } from "./setup-lock.mjs";

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lockstep-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("LIBTORCH comes first, with the version that its headers tell", () => {
  const prefix = makeTorch(join(folder, "libtorch"));
  const { libtorch } = findLibtorch({ LIBTORCH: prefix, PATH: "" });
  assert.deepEqual([libtorch.source, libtorch.prefix, libtorch.version], ["LIBTORCH", prefix, "2.5.1"]);
});

test("a LIBTORCH without a library in it is said, not passed over", () => {
  assert.throws(() => findLibtorch({ LIBTORCH: folder, PATH: "" }), /LIBTORCH=.*: no include\/ATen\/ATen.h and lib/);
});

test("a pip-installed torch of a python3 on PATH is found", () => {
  const torch = makeTorch(join(folder, "site-packages", "torch"));
  const { libtorch } = findLibtorch({ PATH: makePython(join(torch, "__init__.py")) });
  assert.deepEqual([libtorch.source, libtorch.prefix], ["pip", join(torch, "share", "cmake")]);
});

test("the OS package's torch in a python3 means the OS package", () => {
  const torch = makeTorch(join(folder, "dist-packages", "torch"));
  const { libtorch, notes } = findLibtorch({ PATH: makePython(join(torch, "__init__.py")) });
  assert.notEqual(libtorch?.source, "pip");
  assert.match(notes[0], /the OS package libtorch-dev is meant/);
});

test("a python3 without torch, or that does not run, is passed over", () => {
  const { libtorch, notes } = findLibtorch({ PATH: makePython("") });
  assert.notEqual(libtorch?.source, "pip");
  assert.deepEqual(notes, []);
});

test("a second set-up waits for the first", async () => {
  const file = join(folder, "state", "lock");
  const release = await acquireSetupLock(file, () => {});
  const said = [];
  const order = [];
  const second = acquireSetupLock(file, (line) => {
    said.push(line);
    order.push("released");
    release();
  }).then((releaseSecond) => {
    order.push("second has it");
    releaseSecond();
  });
  await second;
  assert.deepEqual(order, ["released", "second has it"]);
  assert.match(said[0], new RegExp(`process ${process.pid}`));
  assert.equal(existsSync(file), false);
});

test("the lock of a set-up that was killed is taken over", async () => {
  const file = join(folder, "lock");
  const module = new URL("./setup-lock.mjs", import.meta.url).href;
  const program = `import { acquireSetupLock } from ${JSON.stringify(module)};
    await acquireSetupLock(${JSON.stringify(file)}, () => {}); process.stdout.write("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(existsSync(file), true);
  const release = await acquireSetupLock(file, assert.fail);
  release();
});

/** The parts of an unpacked libtorch that are looked at. */
function makeTorch(prefix) {
  const api = join(prefix, "include", "torch", "csrc", "api", "include", "torch");
  for (const made of [api, join(prefix, "include", "ATen"), join(prefix, "lib")]) mkdirSync(made, { recursive: true });
  const version = ["MAJOR 2", "MINOR 5", "PATCH 1"].map((part) => `#define TORCH_VERSION_${part}\n`).join("");
  writeFileSync(join(api, "version.h"), version);
  writeFileSync(join(prefix, "include", "ATen", "ATen.h"), "");
  writeFileSync(join(prefix, "lib", "libtorch.so"), "");
  return prefix;
}

/** A folder for PATH whose python3 says that torch lies there. */
function makePython(origin) {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "python3"), `#!/bin/sh\necho "${origin}"\n`);
  chmodSync(join(bin, "python3"), 0o755);
  return bin;
}
