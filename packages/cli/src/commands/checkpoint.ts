// `addCheckpointCommand` adds `lockstep checkpoint ls` and `lockstep checkpoint verify`.
import { basename, join, resolve } from "node:path";
import { type CheckpointEntry, CheckpointStore, readManifest, validationLossOf } from "@lockstep/checkpoint";
import { describeError, exitCode, UserError } from "@lockstep/errors";
import Table from "cli-table3";
import type { Command } from "commander";
import { addRunArgument } from "../path-values.js";
import { requireRun, runFiles } from "../run-folder.js";
import { select } from "../settings/all-settings.js";
import { addSettings, parseSettings } from "../settings/command-settings.js";

const settings = select("json");

const examples = `
Examples:
  $ lockstep checkpoint ls runs/faces
  $ lockstep checkpoint verify runs/faces      exit code 1 if one is broken
`;

const lsExamples = `
Examples:
  $ lockstep checkpoint ls runs/faces --json
`;

const verifyExamples = `
Examples:
  $ lockstep checkpoint verify runs/faces && echo valid
`;

export function addCheckpointCommand(program: Command): void {
  const command = program.command("checkpoint").description("list or verify a run's checkpoints");
  command.addHelpText("after", examples);
  const add = (name: string, description: string): Command =>
    addSettings(addRunArgument(command.command(name).description(description)), settings);
  const ls = add("ls", "list step, validation loss and weights of each checkpoint").addHelpText("after", lsExamples);
  ls.action(async (out: string, raw: Record<string, unknown>) => {
    await list(await storeOf(out), parseSettings(raw, settings).json);
  });
  const verifyCommand = add("verify", "read every byte of each checkpoint and compare the digests").addHelpText(
    "after",
    verifyExamples,
  );
  verifyCommand.action(async (out: string, raw: Record<string, unknown>) => {
    const sound = await verify(await storeOf(out), parseSettings(raw, settings).json);
    process.exitCode = sound ? exitCode.ok : exitCode.failure;
  });
}

async function storeOf(out: string): Promise<CheckpointStore> {
  await requireRun(out);
  return new CheckpointStore(join(resolve(out), runFiles.checkpoints));
}

async function list(store: CheckpointStore, json: boolean): Promise<void> {
  const rows = await Promise.all((await store.list()).map(describe));
  const table = new Table({
    head: ["step", "epoch", "validation loss", "MiB", "weights", ""],
    style: { head: [], border: [] },
  });
  for (const { step, path, epoch, validationLoss, sizeBytes, weightsSha256, fault } of rows) {
    const megabytes = sizeBytes === null ? "" : (sizeBytes / 2 ** 20).toFixed(1);
    const weights = weightsSha256?.slice(0, 12) ?? "";
    table.push([step, epoch ?? "", validationLoss?.toFixed(4) ?? "", megabytes, weights, fault ?? basename(path)]);
  }
  process.stdout.write(json ? `${JSON.stringify(rows)}\n` : `${table.toString()}\n`);
}

/** Reads only the manifest; `verify` reads the files too. */
async function describe(entry: CheckpointEntry) {
  const unknown = { epoch: null, validationLoss: null, sizeBytes: null, weightsSha256: null };
  try {
    const manifest = await readManifest(entry.path);
    return {
      ...entry,
      epoch: manifest.position.epoch,
      validationLoss: validationLossOf(manifest),
      sizeBytes: Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0),
      weightsSha256: manifest.weightsSha256,
      fault: null,
    };
  } catch (error) {
    if (error instanceof UserError) return { ...entry, ...unknown, fault: describeError(error) };
    throw error;
  }
}

async function verify(store: CheckpointStore, json: boolean): Promise<boolean> {
  const results = [];
  for (const entry of await store.list()) results.push({ ...entry, ...(await store.verify(entry)) });
  const text = results.map(({ path, fault }) => `${basename(path)}  ${fault ?? "sound"}\n`).join("");
  process.stdout.write(json ? `${JSON.stringify(results)}\n` : text || "no checkpoints\n");
  return results.every(({ fault }) => fault === null);
}
