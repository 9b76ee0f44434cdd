import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmod, link, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { exitCode, exitCodeOf, UserError } from "@lockstep/errors";
import { assertNotInData, prepareOutputFile } from "./output-file.js";

const flag = "--predictions";
const bytes = new TextEncoder().encode("new\n");

async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-output-"));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function userErrorMessage(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => assert.fail("it was accepted")).catch((reason: unknown) => reason);
  assert.ok(error instanceof UserError, String(error));
  return error.message;
}

test("an existing file is kept without --force, and replaced as a whole with it", async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, "labels.csv");
  await writeFile(path, "the user's\n");
  assert.equal(
    await userErrorMessage(prepareOutputFile({ flag, path, force: false })),
    `--predictions ${path}: exists; choose another name, or replace it (--force)`,
  );
  assert.equal(await readFile(path, "utf8"), "the user's\n");
  const other = join(folder, "hard-link.csv");
  await link(path, other);
  const output = await prepareOutputFile({ flag, path, force: true });
  await output.write(bytes);
  assert.equal(await readFile(path, "utf8"), "new\n");
  assert.equal(await readFile(other, "utf8"), "the user's\n", "the old content is not written over");
  assert.deepEqual((await readdir(folder)).sort(), ["hard-link.csv", "labels.csv"]);
});

test("a file that another program makes during the work is kept too", async (context) => {
  const path = join(await temporaryFolder(context), "each.csv");
  const output = await prepareOutputFile({ flag, path, force: false });
  await writeFile(path, "of another program\n");
  assert.match(await userErrorMessage(output.write(bytes)), /: exists; choose another name/);
  assert.equal(await readFile(path, "utf8"), "of another program\n");
});

test("a symbolic link stays, and the file that it leads to is written", async (context) => {
  const folder = await temporaryFolder(context);
  await mkdir(join(folder, "deep"));
  const [target, path] = [join(folder, "deep", "target.csv"), join(folder, "link.csv")];
  await symlink("deep/target.csv", path);
  const output = await prepareOutputFile({ flag, path, force: false });
  assert.equal(output.path, target);
  await output.write(bytes);
  assert.ok((await lstat(path)).isSymbolicLink());
  assert.equal(await readFile(target, "utf8"), "new\n");
  assert.match(await userErrorMessage(prepareOutputFile({ flag, path, force: false })), /link\.csv: exists;/);
  const [ring, back] = [join(folder, "ring"), join(folder, "back")];
  await symlink(ring, back);
  await symlink(back, ring);
  assert.match(
    await userErrorMessage(prepareOutputFile({ flag, path: ring, force: true })),
    /symbolic links form a loop$/,
  );
});

test("a path that cannot be written is refused before the work", async (context) => {
  const folder = await temporaryFolder(context);
  await writeFile(join(folder, "file"), "");
  const refused: [string, RegExp][] = [
    [folder, /: is a folder; name a file in it$/],
    [join(folder, "none", "a.csv"), /its folder .*none does not exist; make it first$/],
    [join(folder, "file", "a.csv"), /its folder .*file does not exist; make it first$/],
    [join(folder, "a".repeat(300)), /the name is too long$/],
  ];
  for (const [path, message] of refused) {
    assert.match(await userErrorMessage(prepareOutputFile({ flag, path, force: true })), message, path);
  }
});

test("a pipe and a device are written to and stay what they are", async (context) => {
  const path = join(await temporaryFolder(context), "pipe");
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
  const output = await prepareOutputFile({ flag, path, force: false });
  const [{ stdout }] = await Promise.all([promisify(execFile)("cat", [path]), output.write(bytes)]);
  assert.equal(stdout, "new\n");
  assert.ok((await lstat(path)).isFIFO());
  const full = await prepareOutputFile({ flag, path: "/dev/full", force: false });
  const error: unknown = await full.write(bytes).catch((reason: unknown) => reason);
  assert.match(String(error), /--predictions \/dev\/full: cannot be written: the disk is full$/);
  assert.equal(exitCodeOf(error), exitCode.failure);
  assert.ok((await lstat("/dev/full")).isCharacterDevice());
});

test("/dev/stdout and numbers of open files are appended to", async (context) => {
  const path = join(await temporaryFolder(context), "all.txt");
  const script = `
    import { writeSync } from "node:fs";
    import { prepareOutputFile } from ${JSON.stringify(new URL("output-file.js", import.meta.url).href)};
    for (const path of ["/dev/stdout", "/dev/fd/3"]) {
      const output = await prepareOutputFile({ flag: "--predictions", path, force: false });
      await output.write(Buffer.from(path + "\\n"));
    }
    process.stdout.write("after\\n");`;
  await writeFile(path, "before\n");
  const command = `exec 3>>"$0"; exec node --input-type=module -e "$1" >>"$0"`;
  const { stderr, status } = spawnSync("bash", ["-c", command, path, script], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.equal(await readFile(path, "utf8"), "before\n/dev/stdout\n/dev/fd/3\nafter\n");
});

test("nothing is written into the data folder, even with --force or through a link", async (context) => {
  const root = await temporaryFolder(context);
  const data = join(root, "data");
  await mkdir(join(data, "train"), { recursive: true });
  await symlink(data, join(root, "shortcut"));
  const labels = join(root, "labels.csv");
  await writeFile(labels, "");
  for (const path of [join(data, "a.csv"), join(data, "train", "a.csv"), join(root, "shortcut", "a.csv")]) {
    assert.match(await userErrorMessage(assertNotInData(flag, path, data)), /: lies inside the data \(/, path);
  }
  assert.match(await userErrorMessage(assertNotInData(flag, labels, labels)), /labels\.csv: lies inside the data \(/);
  // beside a label file is outside of the data
  await assertNotInData(flag, join(root, "each.csv"), labels);
  await assertNotInData(flag, join(root, "each.csv"), data);
  await assertNotInData(flag, join(root, "each.csv"), "synthetic:64");
});

test("a folder without permission to write is refused before the work", async (context) => {
  const folder = await temporaryFolder(context);
  await chmod(folder, 0o555);
  const script = `
    import { prepareOutputFile } from ${JSON.stringify(new URL("output-file.js", import.meta.url).href)};
    await prepareOutputFile({ flag: "--predictions", path: ${JSON.stringify(join(folder, "a.csv"))}, force: true })
      .then(() => console.log("accepted"), (error) => console.log(error.message));`;
  const args = ["--input-type=module", "-e", script];
  const isRoot = process.getuid?.() === 0; // root may write everywhere
  const { stdout, stderr } = isRoot
    ? spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, ...args], {
        encoding: "utf8",
      })
    : spawnSync(process.execPath, args, { encoding: "utf8" });
  await chmod(folder, 0o755);
  assert.match(stdout, /a\.csv: the folder .* cannot be written: permission denied$/m, stderr);
});
