// Owns how files in the folder of certificates are read and written: whole or not at all, keys for their owner alone.
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";

export interface NewFile {
  readonly folder: string;
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** Null where there is none. @throws UserError */
export async function textIn(...parts: readonly [string, ...string[]]): Promise<string | null> {
  const path = join(...parts);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new UserError(`${path}: cannot be read`, { cause: error });
  }
}

/** In the place of one that is there. */
export async function replaceFile(file: NewFile): Promise<void> {
  await rename(await writeBeside(file), join(file.folder, file.name));
}

/** Where there is none yet; returns what is there then: of several processes one wins. */
export async function publishFile(file: NewFile): Promise<string> {
  const path = join(file.folder, file.name);
  const beside = await writeBeside(file);
  try {
    await link(beside, path);
    return file.text;
  } catch (error) {
    const won = (error as NodeJS.ErrnoException).code === "EEXIST" ? await textIn(path) : null;
    if (won === null) throw error;
    return won;
  } finally {
    await rm(beside, { force: true });
  }
}

async function writeBeside({ folder, name, text, mode }: NewFile): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = join(folder, `.${name}.${randomBytes(4).toString("hex")}`);
  await writeFile(beside, text, { mode, flag: "wx", flush: true });
  return beside;
}
