// Replaces a file with `replaceFile` in one step: a reader finds the old content or the new, never a part. The content is
// written to a temporary file in the same folder, which is then renamed.
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "@lockstep/errors";
import { hasCode } from "./error-code.js";
import { syncFolder } from "./sync-folder.js";
import { withTemporaryPath } from "./temporary-path.js";
import { writeAll } from "./write-all.js";

export interface ReplaceOptions {
  /** Whether the file is flushed to the disk before the promise resolves. Default true. False suits files that soon change. */
  readonly durable?: boolean;
  /** Permissions of the file. Default: 0o666 without the bits of the process's umask. */
  readonly mode?: number;
}

/** Writes the new content into the open, empty file. */
export type FileWriter<T> = (file: FileHandle) => Promise<T>;

/**
 * Replaces the file's content. When two processes replace it, the later rename wins. A process that has the earlier file
 * open continues to read that one.
 * @throws UserError if the file system cannot rename a file over another
 */
export function replaceFile(path: string, content: Uint8Array | string, options?: ReplaceOptions): Promise<void>;
export function replaceFile<T>(path: string, write: FileWriter<T>, options?: ReplaceOptions): Promise<T>;
export function replaceFile<T>(
  path: string,
  content: Uint8Array | string | FileWriter<T>,
  options: ReplaceOptions = {},
): Promise<T | undefined> {
  const { durable = true } = options;
  return withTemporaryPath(path, async (temporary) => {
    const result = await writeNewFile(temporary, content, options);
    await rename(temporary, path).catch((error: unknown) => {
      throw renameFailure(error, path);
    });
    if (durable) await syncFolder(dirname(path));
    return result;
  });
}

/** Writes a new file. Rejects with EEXIST when the path exists. After any other error the file is removed. */
export async function writeNewFile<T>(
  path: string,
  content: Uint8Array | string | FileWriter<T>,
  { durable = true, mode }: ReplaceOptions = {},
): Promise<T | undefined> {
  const file = await open(path, "wx+", mode);
  try {
    try {
      const write = typeof content === "function" ? content : writerOf(content);
      const result = await write(file);
      if (durable) await file.sync();
      return result;
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

function writerOf(content: Uint8Array | string): FileWriter<undefined> {
  return async (file) => {
    await writeAll(file, typeof content === "string" ? Buffer.from(content) : content);
    return undefined;
  };
}

function renameFailure(error: unknown, path: string): unknown {
  if (!hasCode(error, "EEXIST", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) return error;
  return new UserError(
    `${path}: its file system cannot replace a file by renaming another; choose a folder on another file system (docs/file-systems.md)`,
    { cause: error },
  );
}
