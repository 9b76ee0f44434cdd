// Makes the names in a folder durable with `syncFolder`: a new file or a rename outlives a loss of power after it.
import { open } from "node:fs/promises";
import { hasCode } from "./error-code.js";

/** Some network and FUSE file systems cannot flush a folder. They decide themselves when a name is durable. */
const unsupported = ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EISDIR", "EBADF"];

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
