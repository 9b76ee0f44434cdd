// What a user may get wrong is one line and exit code 2, before anything is trained or overwritten.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runFiles } from "@lockstep/cli";
import { describeEngines } from "@lockstep/recipe";
import {
  holdStep,
  needsTorch,
  runCluster,
  runLockstep,
  startCluster,
  type TrainFlags,
  temporaryFolder,
} from "@lockstep/testkit";

describe("mistakes are refused in one line", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const outOf = (name: string): string => join(folder.path, name);
  const short: TrainFlags = { "max-steps": 2, workers: 1 };

  before(async () => {
    folder = await temporaryFolder();
    await runCluster({ out: outOf("run"), flags: short });
  });
  after(() => folder.remove());

  test("an existing --out without --resume", async () => {
    const summary = await readFile(join(outOf("run"), runFiles.summary), "utf8");
    await refused(outOf("run"), short, /run: holds a run already; resume it with --resume, or choose another --out/);
    assert.equal(await readFile(join(outOf("run"), runFiles.summary), "utf8"), summary);
  });

  test("a changed spec on --resume, naming each field with both values", async () => {
    const flags = { ...short, resume: true, seed: 8, lr: 0.5 } as const;
    await refused(outOf("run"), flags, /optimizer.learningRate was 0.001, is 0.5; seed was 7, is 8/);
  });

  test("other data on --resume", async () => {
    await refused(outOf("run"), { ...short, resume: true, data: "synthetic:240" }, /dataset.fingerprint was "/);
  });

  test("--resume of nothing", async () => {
    await refused(outOf("nothing"), { ...short, resume: true }, /no run to resume/);
  });

  test("an --out that holds something else", async () => {
    await mkdir(outOf("photos"));
    await writeFile(join(outOf("photos"), "holiday.txt"), "mine");
    await refused(outOf("photos"), short, /exists and is not empty \(holiday.txt\)/);
    assert.equal(await readFile(join(outOf("photos"), "holiday.txt"), "utf8"), "mine");
  });

  test("sizes that do not fit together", async () => {
    await refused(outOf("sizes"), { ...short, "micro-batch": 5 }, /micro.?batch/i);
  });

  test("a missing data folder", async () => {
    await refused(outOf("no-data"), { ...short, data: join(folder.path, "absent") }, /absent/);
  });

  test("a backend that is not there, before an image is decoded: no folder and no cache is left", async (t) => {
    const tensorflow = (await describeEngines()).find(({ backend }) => backend === "tensorflow");
    if (tensorflow?.available) return t.skip("tfjs-node is installed");
    const cacheDir = join(folder.path, "unused-cache");
    const flags = ["--backend", "tensorflow", "--cache-dir", cacheDir];
    for (const command of [
      ["train", "--data", "synthetic:60", "--out", outOf("no-backend")],
      ["train", "--data", "synthetic:60", "--out", outOf("no-backend"), "--dry-run"],
      ["evaluate", outOf("run")],
      // Nobody answers at that address: the worker does not even ask.
      ["worker", "--coordinator", `unix:${join(folder.path, "none.sock")}`],
    ]) {
      const { code, stdout, stderr } = await runLockstep([...command, ...flags]);
      // Another worker's machine may have it.
      assert.deepEqual([code, stdout], [command[0] === "worker" ? 3 : 2, ""], stderr);
      assert.match(stderr, /^lockstep: backend tensorflow is not available: .*npm install.*\(--backend\)\n$/);
    }
    const left = await readdir(folder.path);
    assert.deepEqual(
      left.filter((name) => ["no-backend", "unused-cache"].includes(name)),
      [],
    );
  });

  test("an address that cannot be served, or a join token that is none: no folder and no cache is left", async () => {
    const cacheDir = join(folder.path, "unused-cache");
    const token = join(folder.path, "short-token");
    await writeFile(token, "short");
    for (const [flags, line] of [
      [["--listen", "nowhere"], /^lockstep: address "nowhere": must be host:port/],
      [["--listen", "0.0.0.0:0"], /^lockstep: listening on 0.0.0.0:0 without encryption: refused beyond this machine/],
      [
        ["--listen", "127.0.0.1:0", "--join-token-file", token],
        /^lockstep: join token .*short-token: must hold one line/,
      ],
      [["--listen", "127.0.0.1:0", "--tls", outOf("no-certs")], /^lockstep: .*no-certs: does not exist/],
    ] as const) {
      const run = ["--data", "synthetic:60", "--out", outOf("unserved"), "--cache-dir", cacheDir];
      const { code, stdout, stderr } = await runLockstep(["coordinator", ...run, ...flags]);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, line);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
      const left = (await readdir(folder.path)).filter((name) => ["unserved", "unused-cache"].includes(name));
      assert.deepEqual(left, []);
    }
  });

  test("a GPU that is not there, for every command that computes: none goes on with the processor by itself", async (t) => {
    const torch = (await describeEngines()).find(({ backend }) => backend === "torch");
    if (torch?.available && !torch.detail.includes("no CUDA device")) return t.skip("this machine has a GPU");
    for (const args of [
      ["train", "--data", "synthetic:60", "--out", outOf("no-gpu")],
      ["train", "--data", "synthetic:60", "--out", outOf("no-gpu"), "--dry-run"],
      ["evaluate", outOf("run")],
      ["recipe", "check", "fairface"],
      ["worker", "--coordinator", `unix:${join(folder.path, "none.sock")}`],
    ]) {
      const { code, stdout, stderr } = await runLockstep([...args, "--device", "cuda"]);
      // Another worker's machine may have one.
      assert.deepEqual([code, stdout], [args[0] === "worker" ? 3 : 2, ""], stderr);
      assert.match(
        stderr,
        /^lockstep: device cuda is not available: backend torch: .*or choose another \(--device\)\n$/,
      );
    }
    const examined = await runLockstep(["doctor", "--device", "cuda"]);
    assert.equal(examined.code, 1);
    assert.match(examined.stdout, /FAIL {2}computing +device cuda is not/);
  });

  test("an --out with somebody's checkpoints, which stay; of a refusal in an empty folder nothing is left", async () => {
    const out = outOf("models");
    await mkdir(join(out, "checkpoints"), { recursive: true });
    await writeFile(join(out, "checkpoints", "model.pt"), "weights of another trainer");
    await refused(out, short, /exists and is not empty \(checkpoints\)/);
    assert.deepEqual(await readdir(join(out, "checkpoints")), ["model.pt"]);
    await mkdir(outOf("empty"));
    await refused(outOf("empty"), { ...short, data: join(folder.path, "absent") }, /absent/);
    assert.deepEqual(await readdir(outOf("empty")), []);
  });

  test("an --out that another run is using, whose owner is named", async () => {
    const running = startCluster({ out: outOf("busy"), flags: { workers: 1 }, faults: holdStep(3, 1) });
    try {
      await running.step(3);
      const { pid } = await running.processOf("launcher");
      await refused(outOf("busy"), { resume: true }, new RegExp(`in use by process ${pid}`));
      assert.equal((await running.result()).completed, true);
    } finally {
      await running.dispose();
    }
  });

  test("an unknown flag, a bad value, a missing one", async () => {
    for (const [args, line] of [
      [["train", "--sead", "7"], /unknown option '--sead' \(Did you mean --seed\?\)/],
      [["train", "--workers", "many"], /--workers many: must be a whole number from 1 to 256/],
      [["train", "--backend", "gpu"], /--backend gpu: must be one of auto, torch, tensorflow, cpu/],
      [["worker"], /--coordinator: is needed/],
      [["status", join(folder.path, "nowhere")], /holds no run/],
    ] as const) {
      const { code, stdout, stderr } = await runLockstep(args);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, line);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
  });
});

async function refused(out: string, flags: TrainFlags, line: RegExp): Promise<void> {
  const cluster = startCluster({ out, flags });
  const { code, stdout, stderr } = await cluster.ended();
  assert.deepEqual([code, stdout], [2, ""], stderr);
  const complaints = stderr.split("\n").filter((text) => text.startsWith("lockstep: "));
  assert.equal(complaints.length, 1, stderr);
  assert.match(complaints[0] ?? "", line);
}
