// On real processes: the form that the images come in changes no bit of the weights, and the processes of one run may read
// them in different forms.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { needsTorch, runCluster, runLockstep, temporaryFolder, waitFor } from "@lockstep/testkit";

const lockstepPath = fileURLToPath(new URL("../../../packages/cli/bin/lockstep.js", import.meta.url));

describe("a run on files", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let expected: string;
  const at = (name: string): string => join(folder.path, name);
  const flags = { epochs: 1, workers: 1 };

  async function lockstep(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runLockstep([...args, "--cache-dir", at("cache")]);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  before(async () => {
    folder = await temporaryFolder();
    await lockstep("dataset", "synth", "--images", "200", "--image-size", "16", "--out", at("folder"));
    for (const form of ["webdataset", "parquet"]) {
      const said = await lockstep(
        ...[
          "dataset",
          "convert",
          "--data",
          at("folder"),
          "--to",
          form,
          "--out",
          at(form),
          "--shard-images",
          "60",
          "--json",
        ],
      );
      const { images, fingerprint, sourceFingerprint } = JSON.parse(said);
      assert.deepEqual([images, fingerprint], [200, sourceFingerprint]);
    }
    expected = (await runCluster({ out: at("on-folder"), flags: { ...flags, data: at("folder") } })).weightsSha256;
  });
  after(() => folder.remove());

  test("gives the same bits from tar shards and from Parquet as from the folder", async () => {
    for (const form of ["webdataset", "parquet"]) {
      const result = await runCluster({ out: at(`on-${form}`), flags: { ...flags, data: at(form) } });
      assert.equal(result.weightsSha256, expected, form);
    }
  });

  test("is joined by a worker that has the same images in another form", async () => {
    const address = `unix:${at("run.sock")}`;
    const spec = [
      ...["--image-size", "16", "--widths", "4,8", "--dense-units", "16", "--micro-batch", "4", "--global-batch", "16"],
      ...["--epochs", "1", "--seed", "7", "--lr", "0.001"],
    ];
    const [led, worked] = await Promise.all([
      lockstep("coordinator", "--data", at("folder"), "--out", at("mixed"), "--listen", address, "--json", ...spec),
      lockstep("worker", "--coordinator", address, "--data", at("webdataset"), "--connect-timeout", "60"),
    ]);
    assert.equal(JSON.parse(led.trim().split("\n").at(-1) ?? "").weightsSha256, expected, worked);
  });

  test("trains without validation where the data has no such part, and says so", async () => {
    await mkdir(at("train-only"));
    for (const name of await readdir(at("webdataset"))) {
      if (name.startsWith("train")) await rename(join(at("webdataset"), name), join(at("train-only"), name));
    }
    const args = ["train", "--data", at("train-only"), "--out", at("no-val"), "--image-size", "16", "--widths", "4,8"];
    const { code, stderr } = await runLockstep([
      ...[...args, "--cache-dir", at("cache"), "--max-steps", "3", "--workers", "1"],
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the data has no validation part: training continues without one; --split random draws one/);
  });
});

test("Ctrl-C while a data set is written leaves nothing of it, and exits with 130", async () => {
  const folder = await temporaryFolder();
  try {
    const args = ["dataset", "synth", "--images", "20000", "--image-size", "64", "--out", join(folder.path, "faces")];
    const child = spawn(process.execPath, [lockstepPath, ...args, "--cache-dir", join(folder.path, "cache")], {
      stdio: "ignore",
    });
    const ended = once(child, "close");
    await waitFor({
      what: "the first images",
      deadlineMs: 30_000,
      look: async () => ((await readdir(folder.path)).some((name) => name.startsWith(".tmp-")) ? true : undefined),
      failure: () => (child.exitCode === null ? null : `it ended with ${child.exitCode}`),
    });
    child.kill("SIGINT");
    const [code] = await ended;
    assert.equal(code, 130);
    assert.deepEqual(await readdir(folder.path), []);
  } finally {
    await folder.remove();
  }
});
