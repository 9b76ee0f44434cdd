// Sources the scripts in the real shells, where they are installed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { createProgram } from "../program.js";
import { completionTree } from "./completion-tree.js";
import { completionScript } from "./shell-scripts.js";

const tree = completionTree(await createProgram());

/** What bash offers where the last of the words is being typed. */
function bashOffers(...words: string[]): string[] {
  const script = `
    ${completionScript("bash", tree)}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lockstep
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-c", script, "bash", "lockstep", ...words], {
    encoding: "utf8",
    cwd: new URL("../../", import.meta.url),
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout.trim().split("\n");
}

test("every command and flag of the program is in the tree", () => {
  const train = tree.find(({ path }) => path === "train");
  assert.ok(train?.flags.some(({ spelling }) => spelling === "--image-size"));
  assert.ok(tree.some(({ path, takesFiles }) => path === "checkpoint verify" && takesFiles));
  assert.ok(tree.find(({ path }) => path === "")?.subcommands.some(({ name }) => name === "doctor"));
});

test("bash completes commands, flags, their words and files", () => {
  assert.deepEqual(bashOffers("tr"), ["train"]);
  assert.deepEqual(bashOffers("checkpoint", ""), ["ls", "verify"]);
  assert.deepEqual(bashOffers("train", "--ima"), ["--image-size"]);
  assert.deepEqual(bashOffers("train", "--epochs", "3", "--back"), ["--backend"]);
  assert.deepEqual(bashOffers("train", "--backend", "t"), ["torch", "tensorflow"]);
  assert.deepEqual(bashOffers("train", "--config", "pack"), ["package.json"]);
  assert.deepEqual(bashOffers("train", "--epochs", ""), [""]);
  assert.deepEqual(bashOffers("checkpoint", "verify", "pack"), ["package.json"]);
  assert.deepEqual(bashOffers("checkpoint", "verify", "--j"), ["--json"]);
  assert.deepEqual(bashOffers("completion", ""), ["bash", "zsh", "fish"]);
});

test("the scripts of zsh and fish hold the same completions, and an installed zsh or fish can parse them", () => {
  const scripts = { zsh: completionScript("zsh", tree), fish: completionScript("fish", tree) };
  assert.match(scripts.zsh, /'train --backend'.*\) compadd -- auto torch tensorflow cpu; return/);
  assert.match(scripts.zsh, /'--image-size:height and width to which the images are scaled'/);
  assert.match(scripts.fish, /-n '__fish_seen_subcommand_from train' -l backend -x -a 'auto torch tensorflow cpu'/);
  if (isInstalled("zsh")) {
    const { stderr, status } = spawnSync("zsh", ["-n"], { input: scripts.zsh, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
  if (isInstalled("fish")) {
    const input = `${scripts.fish}complete -C 'lockstep train --backend t'`;
    const { stdout, stderr } = spawnSync("fish", ["--no-config", "-c", input], { encoding: "utf8" });
    assert.equal(stderr, "");
    const offers = stdout
      .trim()
      .split("\n")
      .map((line) => line.split("\t")[0]);
    assert.deepEqual(offers.sort(), ["tensorflow", "torch"]);
  }
});

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ["--version"]).status === 0;
}
