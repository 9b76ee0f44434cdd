// `checkPaths` refuses every path in a command's flags and arguments that the command could not use, before its work begins.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { asUserError, UserError } from "@lockstep/errors";
import type { Command } from "commander";
import { type PathUse, pathValueOf, pathValueOfArgument } from "./path-values.js";
import { originsOf } from "./settings/apply-settings.js";
import { settingsOf } from "./settings/command-settings.js";
import { flagOf, keyOf, type Setting } from "./settings/setting.js";

/** @throws UserError with one line: where the path was given, the path, and what is wrong with it */
export async function checkPaths(command: Command): Promise<void> {
  for (const [index, argument] of command.registeredArguments.entries()) {
    const text: unknown = command.processedArgs[index];
    const found = pathValueOfArgument(argument);
    const path = typeof text === "string" ? found?.pathIn(text) : null;
    if (found && path != null) await checkPath(path, path, found.use);
  }
  for (const [name, setting] of Object.entries(settingsOf(command))) {
    const text: unknown = command.getOptionValue(name);
    const found = pathValueOf(setting.schema);
    const path = typeof text === "string" ? found?.pathIn(text) : null;
    if (found && path != null) await checkPath(givenAs(command, name, setting, String(text)), path, found.use);
  }
}

/** `--data faces`, `LOCKSTEP_DATA=faces` or `run.yaml:3: data: faces`. */
function givenAs(command: Command, name: string, setting: Setting, text: string): string {
  const origin = originsOf(command).get(name) ?? flagOf(name, setting);
  if (origin.startsWith("--")) return `${origin} ${text}`;
  return origin.startsWith("LOCKSTEP_") ? `${origin}=${text}` : `${origin}: ${keyOf(name)}: ${text}`;
}

/**
 * @param given the path as the user wrote it, for the error message
 * @throws UserError if the path cannot be used in this way
 */
export async function checkPath(given: string, path: string, use: PathUse): Promise<void> {
  try {
    if (use.access === "read") await checkReadable(given, path, use);
    else await checkWritable(given, resolve(path), use);
  } catch (error) {
    throw asUserError(error, given);
  }
}

async function checkReadable(given: string, path: string, use: PathUse & { readonly access: "read" }): Promise<void> {
  const { kind, mayBeAbsent = false } = use;
  const found = mayBeAbsent ? await stat(path).catch(ifAbsent) : await stat(path);
  if (found === null) return;
  if (kind === "file" && found.isDirectory()) throw new UserError(`${given}: is a folder; name a file in it`);
  if (kind === "folder" && !found.isDirectory()) throw new UserError(`${given}: is a file; name a folder`);
  await access(path, found.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
}

/** For a path that does not exist, the nearest existing folder above it is checked: the command makes the others. */
async function checkWritable(given: string, path: string, { access: how, kind }: PathUse): Promise<void> {
  const found = await stat(path).catch(ifAbsent);
  if (found !== null) {
    if (kind === "file" && found.isDirectory()) throw new UserError(`${given}: is a folder; name a file in it`);
    if (kind === "folder" && !found.isDirectory()) throw new UserError(`${given}: is a file; name a folder`);
    // Replacing a file needs write permission for its folder only.
    const isReplaced = how === "write" && found.isFile();
    if (!isReplaced) return access(path, found.isDirectory() ? constants.W_OK | constants.X_OK : constants.W_OK);
  }
  await checkNearestFolder(given, dirname(path));
}

async function checkNearestFolder(given: string, folder: string): Promise<void> {
  const found = await stat(folder).catch(ifAbsent);
  if (found === null && folder !== dirname(folder)) return checkNearestFolder(given, dirname(folder));
  if (found?.isDirectory() === false) throw new UserError(`${given}: ${folder} is a file, not a folder`);
  await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw asUserError(error, `${given}: the folder ${folder} cannot be written`);
  });
}

function ifAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
