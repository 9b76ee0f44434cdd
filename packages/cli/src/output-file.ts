// `prepareOutputFile` checks, before the work begins, whether a command can write its result to the path that the user gave.
// Invariants: an existing file is replaced only with --force; nothing is written into the data folder; a file is written
// completely or not at all; a pipe, a terminal or another special file is written to and never replaced.
import { constants, createWriteStream } from "node:fs";
import { open, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { isSynthetic } from "@lockstep/dataset";
import { asUserError, UserError } from "@lockstep/errors";
import { isPathInside, replaceFile } from "@lockstep/files";
import { checkPath } from "./check-paths.js";

export interface OutputFile {
  /** Absolute. Symbolic links are followed: the link's target is written, and the link stays. */
  readonly path: string;
  /** @throws UserError if the file cannot be written */
  write(bytes: Uint8Array): Promise<void>;
}

export interface OutputFileOptions {
  /** The flag with which the path was given, for error messages: `--predictions`. Absent for an argument. */
  readonly flag?: string;
  readonly path: string;
  /** Whether an existing file is replaced. */
  readonly force: boolean;
  /** What the error message about an existing file advises. */
  readonly remedy?: string;
}

/** @throws UserError if the path cannot be written, or if a file exists and `force` is false */
export async function prepareOutputFile(options: OutputFileOptions): Promise<OutputFile> {
  const { flag, path: given, force, remedy = "choose another name, or replace it (--force)" } = options;
  const named = flag === undefined ? given : `${flag} ${given}`;
  const stream = openStream(given);
  if (stream !== null) return { path: given, write: (bytes) => stream.write(bytes) };
  const path = await followLinks(resolve(given), named);
  const folder = await stat(dirname(path)).catch(() => null);
  if (!folder?.isDirectory())
    throw new UserError(`${named}: its folder ${dirname(path)} does not exist; make it first`);
  await checkPath(named, path, { access: "write", kind: "file" });
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile()) {
    if (found.isBlockDevice() || found.isSocket())
      throw new UserError(`${named}: is a device or a socket; name a file`);
    return { path, write: (bytes) => attempt(named, writeInto(path, bytes)) };
  }
  const assertFree = async (): Promise<void> => {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere && !force) throw new UserError(`${named}: exists; ${remedy}`);
  };
  await assertFree();
  return {
    path,
    async write(bytes) {
      await assertFree(); // another program may have made the file in the meantime
      await attempt(named, replaceFile(path, bytes));
    },
  };
}

/** @throws UserError if the path is in the user's data folder, or is the data itself */
export async function assertNotInData(flag: string, path: string, data: string): Promise<void> {
  // If the data is a label file, its folder may hold results: only the file itself is refused.
  if (isSynthetic(data) || !(await isPathInside(path, data))) return;
  throw new UserError(
    `${flag} ${path}: lies inside the data (${data}), where Lockstep writes nothing; choose another place`,
  );
}

/** @returns null unless the path names an open file of this process; that file is appended to, as other writers may use it */
function openStream(path: string): { write(bytes: Uint8Array): Promise<void> } | null {
  const name = /^\/dev\/(stdout|stderr)$/.exec(path)?.[1] ?? /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1];
  if (name === undefined) return null;
  const shared = /^(stdout|1)$/.test(name) ? process.stdout : /^(stderr|2)$/.test(name) ? process.stderr : null;
  return {
    async write(bytes) {
      if (shared === null) {
        return attempt(path, pipeline([bytes], createWriteStream("", { fd: Number(name), autoClose: false })));
      }
      await new Promise<void>((done, failed) => shared.write(bytes, (error) => (error ? failed(error) : done())));
    },
  };
}

/** Opening a pipe waits until it has a reader. */
async function writeInto(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

const maxLinks = 40;

/** @returns the path without symbolic links; it may not exist yet */
async function followLinks(path: string, named: string): Promise<string> {
  let at = path;
  for (let count = 0; count < maxLinks; count++) {
    const folder = await realpath(dirname(at)).catch(() => dirname(at)); // absent: the caller reports it
    at = join(folder, basename(at));
    const target = await readlink(at).catch(() => null);
    if (target === null) return at;
    at = resolve(folder, target);
  }
  throw new UserError(`${named}: its symbolic links form a loop`);
}

async function attempt(named: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw asUserError(error, `${named}: cannot be written`);
  }
}
