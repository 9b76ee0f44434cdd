// Runs each command with each kind of unusable path, for each flag and argument that is a path, and prints the outcome.
// paths.test.ts runs it as a user without special rights, because root may read and write everything.
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeError, exitCodeOf, UserError } from "@lockstep/errors";
import type { Command } from "commander";
import { type PathUse, pathValueOf, pathValueOfArgument } from "../path-values.js";
import { prepareRun } from "../prepare-run.js";
import { createProgram } from "../program.js";
import { settingsOf } from "../settings/command-settings.js";
import { flagOf } from "../settings/setting.js";
import { tinyPreparation } from "./tiny-preparation.js";

export interface WalkedCase {
  /** `train`, `dataset inspect`. */
  readonly command: string;
  /** `--data`; null for an argument. */
  readonly flag: string | null;
  readonly path: string;
  /** What is wrong with the path. */
  readonly fault: string;
  /** Null if the command succeeded. */
  readonly message: string | null;
  readonly isUserError: boolean;
  readonly code: number;
}

const deadlineMs = 20_000;
const root = process.argv[2] ?? "";
const at = (...parts: string[]): string => join(root, ...parts);

/** The extension tells the path of a recipe or a file of weights from a name. */
const endings = ["", ".js", ".csv"];

function makePlaces(): void {
  writeFileSync(at("file"), "text\n");
  for (const ending of endings) {
    writeFileSync(at(`unreadable${ending}`), "text\n", { mode: 0o000 });
    mkdirSync(at(`folder${ending}`));
    mkdirSync(at(`closed${ending}`), { mode: 0o000 });
    symlinkSync(at(`ring${ending}`), at(`ring${ending}`));
  }
  mkdirSync(at("read-only"));
  writeFileSync(at("read-only", "there"), "text\n", { mode: 0o444 });
  chmodSync(at("read-only"), 0o555);
}

const long = "x".repeat(300);

/** Paths by fault. A missing path is not a fault if it is written: the command creates it. */
function badPaths({ access, kind }: PathUse): Record<string, string> {
  const always = {
    "a loop of links": at("ring"),
    "a name that is too long": at(long),
    "below a file": at("file", "below"),
    "below a closed folder": at("closed", "below"),
    ...(kind === "file" ? { "a folder": at("folder") } : {}),
    ...(kind === "folder" ? { "a file": at("file") } : {}),
  };
  if (access === "read") {
    const closed = { "an unreadable file": at("unreadable"), "a closed folder": at("closed") };
    return { ...always, ...closed, missing: at("missing") };
  }
  return {
    ...always,
    "in a folder that is read-only": at("read-only", "new"),
    ...(access === "append" ? { "a read-only file": at("read-only", "there") } : {}),
    ...(kind === "folder" ? { "a read-only folder": at("read-only") } : {}),
    ...(access === "write" && kind === "file" ? { "in a missing folder": at("none", "new") } : {}),
  };
}

/** The other arguments that a command needs, so that only the path is wrong. */
const needed: Readonly<Record<string, readonly string[]>> = {
  train: ["--out", at("new-run")],
  coordinator: ["--out", at("new-run")],
  worker: ["--coordinator", `unix:${at("none.sock")}`, "--connect-timeout", "0.1"],
  exporter: ["--coordinator", `unix:${at("none.sock")}`],
  stop: ["--coordinator", `unix:${at("none.sock")}`],
  status: [at("run")],
  evaluate: [at("run")],
  "checkpoint ls": [at("run")],
  "checkpoint verify": [at("run")],
  "dataset convert": ["--data", at("folder"), "--out", at("new-data"), "--to", "csv"],
  "dataset synth": ["--images", "4", "--out", at("new-data")],
  "recipe check": ["fairface"],
  "recipe new": [at("new.js")],
  "certs init": [at("new-certs")],
  "certs show": [at("folder")],
  health: [`unix:${at("none.sock")}`],
  completion: ["bash"],
};

function leaves(command: Command, path: readonly string[] = []): { command: Command; words: readonly string[] }[] {
  if (command.commands.length === 0) return [{ command, words: path }];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

/** Removes a flag and its value. */
function without(args: readonly string[], spelling: string): string[] {
  const index = args.indexOf(spelling);
  return index < 0 ? [...args] : [...args.slice(0, index), ...args.slice(index + 2)];
}

function asWritten(name: string, path: string): string {
  if (name === "recipe") return `${path}.js`;
  return name === "sampling" ? `${path}.csv` : path;
}

async function run(args: readonly string[]): Promise<Pick<WalkedCase, "message" | "isUserError" | "code">> {
  const program = await createProgram();
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`still at work after ${deadlineMs} ms`)), deadlineMs).unref();
  });
  try {
    await Promise.race([program.parseAsync([...args], { from: "user" }), late]);
    return { message: null, isUserError: false, code: Number(process.exitCode ?? 0) };
  } catch (error) {
    return { message: describeError(error), isUserError: error instanceof UserError, code: exitCodeOf(error) };
  }
}

makePlaces();
const { lock } = await prepareRun(tinyPreparation({ out: at("run"), resume: false, cacheDir: at("cache") }));
await lock.release();
process.stdout.write = () => true; // what a command prints is of no interest here
const print = (found: WalkedCase): void => void writeFileSync(3, `${JSON.stringify(found)}\n`);

for (const { command, words } of leaves(await createProgram())) {
  const base = needed[words.join(" ")] ?? [];
  const name = words.join(" ");
  for (const argument of command.registeredArguments) {
    const found = pathValueOfArgument(argument);
    for (const [fault, place] of found === null ? [] : Object.entries(badPaths(found.use))) {
      const path = /recipe/.test(name) ? `${place}.js` : place;
      if (found?.pathIn(path) == null) continue;
      const rest = base.slice(1); // the argument comes first in `needed`
      print({ command: name, flag: null, path, fault, ...(await run([...words, path, ...rest])) });
    }
  }
  for (const [setting, declared] of Object.entries(settingsOf(command))) {
    const found = pathValueOf(declared.schema);
    for (const [fault, place] of found === null ? [] : Object.entries(badPaths(found.use))) {
      const [path, spelling] = [asWritten(setting, place), flagOf(setting, declared)];
      const args = [...words, ...without(base, spelling), spelling, path];
      print({ command: name, flag: spelling, path, fault, ...(await run(args)) });
    }
  }
}
process.exit(0);
