// `textIn` and `writeFileIn` read and write the files in a folder of certificates. A file is written completely or not at all.
// Only its owner can read a key.
import { join } from "node:path";
import { makeFolder, readText, replaceFile } from "@lockstep/files";

export interface NewFile {
  readonly folder: string;
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** @returns null if there is no such file. @throws UserError if it cannot be read */
export function textIn(...parts: readonly [string, ...string[]]): Promise<string | null> {
  return readText(join(...parts));
}

/** Replaces an existing file. The caller holds the folder's lock. */
export async function writeFileIn({ folder, name, text, mode }: NewFile): Promise<void> {
  await makeFolder(folder, { mode: 0o700 });
  await replaceFile(join(folder, name), text, { mode });
}
