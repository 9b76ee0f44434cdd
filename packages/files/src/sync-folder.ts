// Makes the names in a folder durable with `syncFolder`: after it, a new file or a rename survives a power failure.
import { open } from "node:fs/promises";
import { hasCode } from "./error-code.js";

/** Errors of network and FUSE file systems that cannot flush a folder. They decide themselves when a name is durable. */
const unsupported = ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EISDIR", "EBADF"];

/** Flushes the folder. Does nothing when its file system cannot flush folders. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!hasCode(error, ...unsupported)) throw error;
  }
}
