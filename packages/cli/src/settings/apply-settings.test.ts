import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Command } from "commander";
import { select } from "./all-settings.js";
import { applySettings, originsOf } from "./apply-settings.js";
import { addSettings, parseSettings } from "./command-settings.js";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-settings-"));
});
after(() => rm(folder, { recursive: true }));

const settings = select("seed", "epochs", "lr", "workers", "resume", "augmentation", "out");

async function applied(args: string[], env: Record<string, string>) {
  const command = addSettings(new Command("test"), { ...settings, ...select("config") });
  command.parse(args, { from: "user" });
  await applySettings(command, env);
  return { options: parseSettings(command.opts(), settings), origins: Object.fromEntries(originsOf(command)) };
}

async function fileOf(text: string): Promise<string> {
  const path = join(folder, "run.yaml");
  await writeFile(path, text);
  return path;
}

test("a flag has precedence over the environment, the environment over the file, the file over the default", async () => {
  const config = await fileOf("seed: 1\nepochs: 1\nlr: 1\n");
  const { options, origins } = await applied(["--seed", "3", "--config", config], {
    LOCKSTEP_SEED: "2",
    LOCKSTEP_EPOCHS: "2",
  });
  assert.deepEqual([options.seed, options.epochs, options.lr, options.workers], [3, 2, 1, 2]);
  assert.deepEqual(origins, {
    config: "--config",
    seed: "--seed",
    epochs: "LOCKSTEP_EPOCHS",
    lr: `${config}:3`,
  });
});

test("the environment and the file can turn a switch on and off, also one that is on by default", async () => {
  const config = await fileOf("resume: true\naugmentation: false\n");
  const { options } = await applied([], { LOCKSTEP_CONFIG: config, LOCKSTEP_AUGMENTATION: "true" });
  assert.deepEqual([options.resume, options.augmentation], [true, true]);
  assert.equal((await applied(["--no-augmentation"], { LOCKSTEP_AUGMENTATION: "1" })).options.augmentation, false);
});

test("a switch that takes a word takes it from the environment and the file too", async () => {
  assert.equal((await applied([], { LOCKSTEP_RESUME: "auto" })).options.resume, "auto");
  assert.equal((await applied([], { LOCKSTEP_RESUME: "1" })).options.resume, true);
  assert.equal((await applied(["--config", await fileOf("resume: auto\n")], {})).options.resume, "auto");
  assert.equal((await applied(["--resume"], { LOCKSTEP_RESUME: "auto" })).options.resume, true);
});

test("a file may hold settings of other commands", async () => {
  const { options } = await applied(["--config", await fileOf("seed: 4\nlisten: 127.0.0.1:0\npart: test\n")], {});
  assert.equal(options.seed, 4);
});

test("a wrong value is refused with its origin", async () => {
  const refused: [string[], Record<string, string>, RegExp][] = [
    [[], { LOCKSTEP_SEED: "x" }, /^UserError: LOCKSTEP_SEED=x: must be a whole number from 0 to 4294967295$/],
    [[], { LOCKSTEP_OUT: "" }, /^UserError: LOCKSTEP_OUT=: must not be empty$/],
    [[], { LOCKSTEP_RESUME: "maybe" }, /^UserError: LOCKSTEP_RESUME=maybe: must be true, false or auto$/],
    [[], { LOCKSTEP_AUGMENTATION: "auto" }, /^UserError: LOCKSTEP_AUGMENTATION=auto: must be true or false$/],
    [["--config", await fileOf("lr: 0")], {}, /^UserError: .*run\.yaml:1: lr: 0: must be a number above 0$/],
    [["--config", join(folder, "none.yaml")], {}, /^UserError: .*none\.yaml: does not exist \(--config\)$/],
  ];
  for (const [args, env, message] of refused) await assert.rejects(applied(args, env), message);
});
