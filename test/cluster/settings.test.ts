// Settings from flags, environment and a file in real commands; the dry run; and that train gives its processes their
// settings once, where no other user of the machine can read them.
import assert from "node:assert/strict";
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runFiles, type TrainResult } from "@lockstep/cli";
import {
  holdStep,
  needsTorch,
  runCluster,
  runLockstep,
  startCluster,
  temporaryFolder,
  tinyRun,
} from "@lockstep/testkit";

describe("settings of a run", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let fromFlags: TrainResult;
  const pathOf = (name: string): string => join(folder.path, name);
  const isThere = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );

  before(async () => {
    folder = await temporaryFolder();
    const lines = Object.entries({ ...tinyRun, widths: "[4, 8]", "cache-dir": pathOf("cache") });
    await writeFile(pathOf("run.yaml"), lines.map(([key, value]) => `${key}: ${value}\n`).join(""));
    fromFlags = await runCluster({ out: pathOf("flags"), flags: { epochs: 1 } });
  });
  after(() => folder.remove());

  test("a dry run says of each setting where it came from, and makes nothing in --out", async () => {
    const args = ["train", "--dry-run", "--config", pathOf("run.yaml"), "--out", pathOf("dry"), "--seed", "5"];
    const env = { LOCKSTEP_SEED: "6", LOCKSTEP_EPOCHS: "3", NO_COLOR: "1", FORCE_COLOR: "1" };
    const { code, stdout, stderr } = await runLockstep(args, { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ {2}seed +5 +--seed$/m);
    assert.match(stdout, /^ {2}epochs +3 +LOCKSTEP_EPOCHS$/m);
    assert.match(stdout, /^ {2}image-size +16 +.*run\.yaml:2$/m);
    assert.match(stdout, /^ {2}dropout +0\.5 +default$/m);
    assert.match(stdout, /^ {2}backend +torch on /m);
    assert.match(stdout, /^ {2}steps +11 an epoch, 33 in all$/m);
    assert.ok(!stdout.includes("\u001b"), "NO_COLOR keeps colours off");
    assert.match(stdout, /^nothing was written but to the cache folder; .*\n.*starts in .*dry$/m);
    assert.equal(await isThere(pathOf("dry")), false);
  });

  test("a dry run as JSON holds the spec that the run will have", async () => {
    const flags = { ...tinyRun, "max-steps": 1, "cache-dir": pathOf("cache"), out: pathOf("real") };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const dry = await runLockstep(["train", "--dry-run", "--json", ...args]);
    assert.equal(dry.code, 0, dry.stderr);
    const found = JSON.parse(dry.stdout);
    assert.deepEqual(found.problems, []);
    await runCluster({ out: pathOf("real"), flags: { "max-steps": 1 } });
    const { spec } = JSON.parse(await readFile(join(pathOf("real"), runFiles.run), "utf8"));
    assert.deepEqual(found.spec, spec);

    const resumed = await runLockstep(["train", "--dry-run", "--resume", "--out", pathOf("real")]);
    assert.match(resumed.stdout, /^ {2}image-size +16 +the run$/m);
    assert.ok(resumed.stdout.split("\n").some((line) => /^ {2}cache-dir .*\/cache +the run$/.test(line)));
    assert.match(resumed.stdout, /decoded images 0\.0 MiB/);
    const other = await runLockstep(["train", "--dry-run", "--resume", "--out", pathOf("real"), "--seed", "8"]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /cannot resume with another run spec: seed was 7, is 8/);
  });

  test("a variable that turns on what the resumed run has off is refused by name", async () => {
    const out = pathOf("plain");
    await runCluster({ out, flags: { "no-augmentation": true, "max-steps": 1 } });
    const { code, stderr } = await runLockstep(["train", "--resume", "--dry-run", "--out", out], {
      env: { LOCKSTEP_AUGMENTATION: "true" },
    });
    assert.equal(code, 2);
    assert.match(stderr, /another run spec: recipe\.options\.augmentation.* was null, is \{/);
  });

  test("what cannot work is refused by a dry run as by a run, with exit code 2 and one line", async () => {
    const tooMuch = await runLockstep([
      "train",
      "--dry-run",
      "--config",
      pathOf("run.yaml"),
      "--keep-last",
      "999999999",
    ]);
    assert.equal(tooMuch.code, 2);
    assert.match(tooMuch.stderr, /^lockstep: this run would not work: disk: about .* needed at .* free/m);
    await writeFile(pathOf("typo.yaml"), "imagesize: 32\n");
    const typo = await runLockstep(["train", "--dry-run", "--config", pathOf("typo.yaml")]);
    assert.equal(typo.code, 2);
    assert.match(typo.stderr, /^lockstep: .*typo\.yaml:1: imagesize: no such setting; did you mean image-size\?\n$/);
  });

  test("a run from the environment and a file has the bits of the same run from flags", async () => {
    // Set for the processes too, these would be another --listen, another log, other data: they must not reach them.
    const env = { LOCKSTEP_EPOCHS: "1", LOCKSTEP_CONFIG: pathOf("run.yaml"), LOCKSTEP_JSON: "true" };
    const spoilers = { LOCKSTEP_SLOT: "7", LOCKSTEP_CONNECT_TIMEOUT: "0.001", LOCKSTEP_LISTEN: "127.0.0.1:1" };
    const { code, stdout, stderr } = await runLockstep(["train", "--out", pathOf("env")], {
      env: { ...env, ...spoilers },
    });
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).weightsSha256, fromFlags.weightsSha256);
  });

  test("the arguments of a run's processes tell the role and the index, and no setting", async () => {
    const cluster = startCluster({ out: pathOf("seen"), flags: { epochs: 1 }, faults: holdStep(1, 2) });
    const argumentsOf = async (role: "coordinator" | "worker", index: number): Promise<string[]> => {
      const { pid } = await cluster.processOf(role, index);
      return (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").slice(3, -1);
    };
    try {
      assert.deepEqual(await argumentsOf("coordinator", 0), ["coordinator", "--prepared", "--config", "-"]);
      assert.deepEqual(await argumentsOf("worker", 1), ["worker", "--slot", "1", "--config", "-"]);
      assert.equal((await cluster.result()).weightsSha256, fromFlags.weightsSha256);
    } finally {
      await cluster.dispose();
    }
  });

  test("weights taken over from another run make another run, which a resume goes on with", async () => {
    const from = { epochs: 1, "init-from": pathOf("flags") };
    const whole = await runCluster({ out: pathOf("whole"), flags: { ...from, workers: 1 } });
    const out = pathOf("parts");
    await runCluster({ out, flags: { ...from, "max-steps": 4 } });
    const env = { XDG_CACHE_HOME: pathOf("elsewhere") };
    const resumed = await runLockstep(["train", "--resume", "--json", "--out", out], { env });
    assert.equal(JSON.parse(resumed.stdout).weightsSha256, whole.weightsSha256);
    assert.equal(await isThere(pathOf("elsewhere")), false, "a resume reads the run's decoded images");
    assert.notEqual(whole.weightsSha256, fromFlags.weightsSha256);
  });

  test("an early stop comes at the same epoch for one worker, for two and after a resume, with the same bits", async () => {
    const rule = { epochs: 6, "early-stop-patience": 1, "early-stop-min-delta": 100 };
    const alone = await runCluster({ out: pathOf("alone"), flags: { ...rule, workers: 1 } });
    assert.deepEqual([alone.completed, alone.epochs, alone.steps], [true, 2, 22]);
    assert.match(alone.reason, /^early stop: val loss no lower in 1 epoch \(best .* after epoch 1\)$/);
    const out = pathOf("stopped");
    await runCluster({ out, flags: { ...rule, "max-steps": 15 } });
    const resumed = await runCluster({ out, flags: { ...rule, resume: true } });
    assert.deepEqual([resumed.reason, resumed.weightsSha256], [alone.reason, alone.weightsSha256]);
    const again = await runCluster({ out, flags: { ...rule, resume: true } });
    assert.deepEqual([again.reason, again.weightsSha256], [alone.reason, alone.weightsSha256]);
  });
});
