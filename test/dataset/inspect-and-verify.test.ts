// `lockstep dataset inspect` and `verify` as a person runs them, on a folder that is sound, and then is not.
import assert from "node:assert/strict";
import { appendFile, copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runLockstep, temporaryFolder, writeImageFolder } from "@lockstep/testkit";

describe("lockstep dataset", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let data: string;
  const dataset = (command: string, ...flags: string[]) =>
    runLockstep(["dataset", command, "--data", data, "--cache-dir", join(folder.path, "cache"), ...flags]);

  before(async () => {
    folder = await temporaryFolder();
    data = join(folder.path, "data");
    await writeImageFolder({ folder: data, numSamples: 60, imageSize: 32 });
  });
  after(() => folder.remove());

  test("inspect counts a sound folder, and draws a sheet that it does not replace unasked", async () => {
    const sheet = join(folder.path, "sheet.png");
    const { code, stdout, stderr } = await dataset(
      "inspect",
      "--contact-sheet",
      sheet,
      "--sheet-size",
      "2x3",
      "--json",
    );
    assert.equal(code, 0, stderr);
    const found = JSON.parse(stdout);
    assert.deepEqual(found.counts.images, { train: 51, val: 9, test: 0, all: 60 });
    assert.deepEqual([found.files.formats, found.files.width], [{ jpeg: 60 }, { least: 32, median: 32, greatest: 32 }]);
    assert.deepEqual([found.duplicates, found.skipped, found.unlabelled], [[], [], []]);
    assert.equal(found.contactSheet, sheet);
    const png = await readFile(sheet);
    assert.deepEqual([...png.subarray(1, 4)], [...Buffer.from("PNG")]);
    const again = await dataset("inspect", "--contact-sheet", sheet);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /^lockstep: --contact-sheet .*sheet.png: exists; .*--force/m);
    const tooMany = await dataset("inspect", "--contact-sheet", sheet, "--sheet-size", "5x41");
    assert.match(tooMany.stderr, /^lockstep: --sheet-size 5x41: must be like 5x8, each from 1 to 40$/m);
    const forced = await dataset("inspect", "--contact-sheet", sheet, "--force", "--seed", "1");
    assert.equal(forced.code, 0, forced.stderr);
    assert.notDeepEqual(await readFile(sheet), png);
  });

  test("the embedded set is inspected by the same command", async () => {
    const { code, stdout } = await runLockstep(["dataset", "inspect", "--data", "synthetic:100", "--split", "random"]);
    assert.equal(code, 0);
    assert.match(stdout, /^100 images, labels synthetic, fingerprint \w{12}, random split$/m);
    assert.match(stdout, /^generated images: no files to look at$/m);
  });

  test("verify: exit code 0 and one line for a sound folder; one line for each problem and 1 for a broken one", async () => {
    const sound = await dataset("verify");
    assert.deepEqual([sound.code, sound.stdout.split("\n").length], [0, 2], sound.stdout);
    assert.match(sound.stdout, /60 images, fingerprint \w{12}: sound$/m);

    const whole = await readFile(join(data, "train/0.jpg"));
    await writeFile(join(data, "train/0.jpg"), whole.subarray(0, whole.length - 100));
    await rm(join(data, "train/1.jpg"));
    await writeFile(join(data, "train/2.jpg"), "");
    await copyFile(join(data, "train/3.jpg"), join(data, "val/52.jpg"));
    await copyFile(join(data, "train/4.jpg"), join(data, "train/5.jpg"));
    const broken = await dataset("verify", "--json");
    assert.equal(broken.code, 1);
    const { problems, notes } = JSON.parse(broken.stdout);
    const about = (lines: string[], ...patterns: RegExp[]): void => {
      assert.equal(lines.length, patterns.length, lines.join("\n"));
      for (const pattern of patterns) assert.equal(lines.filter((line) => pattern.test(line)).length, 1, `${pattern}`);
    };
    about(
      problems,
      /"train\/0.jpg" cannot be decoded/,
      /train.csv, line \d+: image "train\/1.jpg" is missing/,
      /train.csv, line \d+: image "train\/2.jpg" is empty/,
      /in two parts: train\/3.jpg = val\/52.jpg/,
    );
    about(notes, /the same image twice: train\/4.jpg = train\/5.jpg/);
    // A random split takes one of the two: then it is no problem.
    const { stdout } = await dataset("verify", "--split", "random", "--json");
    assert.equal(JSON.parse(stdout).problems.length, 3);
  });

  test("a label that is none is refused with its place", async () => {
    await appendFile(join(data, "fairface_label_val.csv"), "val/9999.jpg,Male,White,11-22\n");
    const { code, stderr } = await dataset("verify");
    assert.equal(code, 2);
    assert.match(stderr, /^lockstep: .*fairface_label_val.csv, line \d+: unknown age "11-22"/m);
  });
});
