// Reads and writes the files in a folder of certificates: `textIn` and `writeFileIn`. A file appears whole or not at all, and a
// key can be read by its owner alone.
import { join } from "node:path";
import { makeFolder, readText, replaceFile } from "@lockstep/files";

export interface NewFile {
  readonly folder: string;
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** Null where there is none. @throws UserError */
export function textIn(...parts: readonly [string, ...string[]]): Promise<string | null> {
  return readText(join(...parts));
}

/** In the place of one that exists. Only the holder of the folder's lock calls it. */
export async function writeFileIn({ folder, name, text, mode }: NewFile): Promise<void> {
  await makeFolder(folder, { mode: 0o700 });
  await replaceFile(join(folder, name), text, { mode });
}
