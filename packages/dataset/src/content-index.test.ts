// Tests that an image which cannot be read is left out only if the image is at fault, not the machine.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { contentIndex, fileProblem } from "./content-index.js";
import { recordingLog, temporaryFolder, writeMadeFolder } from "./testing/made-folder.js";
import { userErrorMessage } from "./testing/user-error-message.js";

async function made(context: TestContext) {
  const root = await temporaryFolder(context);
  const [data, cacheDir] = [join(root, "data"), join(root, "cache")];
  await mkdir(data);
  await writeMadeFolder(data, { numTrain: 60, numVal: 2 });
  return { data, cacheDir };
}

test("a process that has too many files open refuses to start and leaves no image out", async (context) => {
  const { data, cacheDir } = await made(context);
  const script = fileURLToPath(new URL("testing/open-with-few-files.js", import.meta.url));
  const command = ["-c", 'ulimit -n 200; exec "$@"', "sh", process.execPath, script, data, cacheDir];
  const { stdout } = await promisify(execFile)("sh", command);
  assert.match(
    stdout,
    /^image "\w+\/\d+.jpg" cannot be read \(this process has too many files open: raise the limit, ulimit -n\) in .*start again\n$/,
  );
});

test("a fault of the disk refuses to start, while a missing file or a circular link is a problem of the image", async (context) => {
  const { data, cacheDir } = await made(context);
  const problems = async (file: string) =>
    contentIndex({ folder: data, files: [{ file }], cacheDir, log: recordingLog() });
  await rm(join(data, "train/0.jpg"));
  await symlink("1-circle.jpg", join(data, "train/1-circle.jpg"));
  assert.match(JSON.stringify(await problems("train/0.jpg")), /"problem":"is missing in /);
  assert.match(JSON.stringify(await problems("train/1-circle.jpg")), /"problem":"is a link that leads to no file in /);
  assert.match(JSON.stringify(await problems(`train/${"x".repeat(300)}.jpg`)), /"problem":"cannot be read \(ENAMETOOL/);
  for (const code of ["EIO", "ESTALE", "ENOMEM", "ENFILE"]) {
    const fault = Object.assign(new Error(`${code}: something, read`), { code });
    const thrown = await userErrorMessage((async () => fileProblem(fault, data, "train/2.jpg"))());
    assert.match(
      thrown,
      /^image "train\/2.jpg" cannot be read \(.*\) in .*data: the machine is at fault, not the image/,
    );
  }
});
