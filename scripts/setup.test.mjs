// Tests of findLibtorch and acquireSetupLock.
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

test("the libtorch in LIBTORCH is preferred, and its version is read from its headers", () => {
  const prefix = makeTorch(join(folder, "libtorch"));
  const { libtorch } = findLibtorch({ LIBTORCH: prefix, PATH: "" });
  assert.deepEqual([libtorch.source, libtorch.prefix, libtorch.version], ["LIBTORCH", prefix, "2.5.1"]);
});

test("a LIBTORCH that contains no library is refused", () => {
  assert.throws(() => findLibtorch({ LIBTORCH: folder, PATH: "" }), /LIBTORCH=.*: no include\/ATen\/ATen.h and lib/);
});

test("a pip-installed torch of a python3 on PATH is found", () => {
  const torch = makeTorch(join(folder, "site-packages", "torch"));
  const { libtorch } = findLibtorch({ PATH: makePython(join(torch, "__init__.py")) });
  assert.deepEqual([libtorch.source, libtorch.prefix], ["pip", join(torch, "share", "cmake")]);
});

test("if the torch of a python3 is from the OS, the OS package is used", () => {
  const torch = makeTorch(join(folder, "dist-packages", "torch"));
  const { libtorch, notes } = findLibtorch({ PATH: makePython(join(torch, "__init__.py")) });
  assert.notEqual(libtorch?.source, "pip");
  assert.match(notes[0], /the OS package libtorch-dev is used/);
});

test("a python3 without torch is ignored", () => {
  const { libtorch, notes } = findLibtorch({ PATH: makePython("") });
  assert.notEqual(libtorch?.source, "pip");
  assert.deepEqual(notes, []);
});

test("a second set-up waits for the first", async () => {
  const file = join(folder, "state", "lock");
  const release = await acquireSetupLock(file, () => {});
  const lines = [];
  const order = [];
  const second = acquireSetupLock(file, (line) => {
    lines.push(line);
    order.push("released");
    release();
  }).then((releaseSecond) => {
    order.push("acquired by the second");
    releaseSecond();
  });
  await second;
  assert.deepEqual(order, ["released", "acquired by the second"]);
  assert.match(lines[0], new RegExp(`process ${process.pid}`));
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

/** Makes the files of an unpacked libtorch that findLibtorch reads. */
function makeTorch(prefix) {
  const api = join(prefix, "include", "torch", "csrc", "api", "include", "torch");
  for (const made of [api, join(prefix, "include", "ATen"), join(prefix, "lib")]) mkdirSync(made, { recursive: true });
  const version = ["MAJOR 2", "MINOR 5", "PATCH 1"].map((part) => `#define TORCH_VERSION_${part}\n`).join("");
  writeFileSync(join(api, "version.h"), version);
  writeFileSync(join(prefix, "include", "ATen", "ATen.h"), "");
  writeFileSync(join(prefix, "lib", "libtorch.so"), "");
  return prefix;
}

/** Makes a folder for PATH with a python3 that prints `origin` as the path of torch. */
function makePython(origin) {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "python3"), `#!/bin/sh\necho "${origin}"\n`);
  chmodSync(join(bin, "python3"), 0o755);
  return bin;
}
