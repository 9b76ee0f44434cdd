// Owns a unix socket's file: owner-only from its first moment, in place of one that a dead process left, gone at the
// end. The server binds inside a folder of its own, which only the owner may enter; the socket is then renamed into
// place, so that no other user ever finds it open.
import { chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { type Log, UserError } from "@lockstep/errors";

export class SocketPlace {
  /** Where the server binds. */
  readonly privatePath: string;
  readonly #path: string;
  #published: { readonly inode: number } | null = null;

  private constructor(path: string, privatePath: string) {
    this.#path = path;
    this.privatePath = privatePath;
  }

  /** @throws UserError when a live process listens there, or something that is not a socket is in the way */
  static async claim(path: string, log: Log): Promise<SocketPlace> {
    const there = await lstat(path).catch(absentAsNull);
    if (there !== null) {
      if (!there.isSocket())
        throw new UserError(`cannot listen on unix:${path}: a file that is no socket is in the way`);
      if (await answers(path)) throw new UserError(`cannot listen on unix:${path}: another process listens there`);
      log.warn({ path }, "removing the socket that a dead process left");
      await rm(path, { force: true });
    }
    const folder = await mkdtemp(join(dirname(path), ".l")).catch((error: unknown) => {
      throw new UserError(`cannot listen on unix:${path}: no socket can be made in ${dirname(path)}`, { cause: error });
    });
    return new SocketPlace(path, join(folder, "s"));
  }

  async publish(): Promise<void> {
    await chmod(this.privatePath, 0o600);
    await rename(this.privatePath, this.#path);
    this.#published = { inode: (await lstat(this.#path)).ino };
    await rm(dirname(this.privatePath), { recursive: true, force: true });
  }

  /** Leaves the file alone if it has become somebody else's. */
  async remove(): Promise<void> {
    await rm(dirname(this.privatePath), { recursive: true, force: true });
    if (this.#published === null) return;
    const there = await lstat(this.#path).catch(absentAsNull);
    if (there?.ino === this.#published.inode) await rm(this.#path, { force: true });
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else if (error.code === "EAGAIN")
        resolve(true); // its queue is full: somebody is there
      else reject(new UserError(`cannot tell whether unix:${path} is in use: ${error.message}`, { cause: error }));
    });
  });
}

function absentAsNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
