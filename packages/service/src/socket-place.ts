// Manages the file of a unix socket with `SocketPlace`: only its owner may open it from its first moment, it replaces a socket that
// a dead process left, and it is removed at the end. The server binds inside a folder of its own, which only the owner may enter; the
// socket is then renamed into place, so that no other user ever finds it open.
import { chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { type Log, UserError } from "@lockstep/errors";
import { socketPathProblem } from "./socket-path.js";

/** A live process listens at the path. */
export class SocketInUse extends UserError {}

export class SocketPlace {
  /** Where the server binds. */
  readonly privatePath: string;
  readonly #path: string;
  #published: { readonly inode: number } | null = null;

  private constructor(path: string, privatePath: string) {
    this.#path = path;
    this.privatePath = privatePath;
  }

  /** @throws UserError when a live process listens there, something that is not a socket is in the way, or none can be made there */
  static async claim(path: string, log: Log): Promise<SocketPlace> {
    const tooLong = socketPathProblem(path);
    if (tooLong !== null) throw new UserError(`cannot listen on unix:${path}: the path ${tooLong}`);
    const privateTooLong = socketPathProblem(privatePathIn(join(dirname(path), `${folderPrefix}XXXXXX`)));
    if (privateTooLong !== null) {
      throw new UserError(
        `cannot listen on unix:${path}: the socket is made in a private folder beside it first, and its path there ${privateTooLong}`,
      );
    }
    const there = await lstat(path).catch(absentAsNull);
    if (there !== null) {
      if (!there.isSocket())
        throw new UserError(`cannot listen on unix:${path}: a file that is no socket is in the way`);
      if (await isAnswered(path)) throw new SocketInUse(`cannot listen on unix:${path}: another process listens there`);
      log.warn({ path }, "removing the socket that a dead process left");
      await rm(path, { force: true });
    }
    const folder = await mkdtemp(join(dirname(path), folderPrefix)).catch((error: unknown) => {
      throw new UserError(`cannot listen on unix:${path}: no socket can be made in ${dirname(path)}`, { cause: error });
    });
    return new SocketPlace(path, privatePathIn(folder));
  }

  async publish(): Promise<void> {
    await chmod(this.privatePath, 0o600);
    await rename(this.privatePath, this.#path);
    this.#published = { inode: (await lstat(this.#path)).ino };
    await rm(dirname(this.privatePath), { recursive: true, force: true });
  }

  /** Somebody has removed the published socket: no new connection reaches the server any more. */
  async isRemoved(): Promise<boolean> {
    return this.#published !== null && (await lstat(this.#path).catch(absentAsNull)) === null;
  }

  /** Leaves a file alone that is not the published socket. */
  async remove(): Promise<void> {
    await rm(dirname(this.privatePath), { recursive: true, force: true });
    if (this.#published === null) return;
    const there = await lstat(this.#path).catch(absentAsNull);
    if (there?.ino === this.#published.inode) await rm(this.#path, { force: true });
  }
}

const folderPrefix = ".l";

function privatePathIn(folder: string): string {
  return join(folder, "s");
}

/**
 * Makes a socket as a server will, connects to it, and removes it: not every file system can hold sockets.
 * @throws UserError as SocketPlace.claim does, or the system's error
 */
export async function trySocket(path: string, log: Log): Promise<void> {
  const place = await SocketPlace.claim(path, log);
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((listening, reject) => {
      server.once("error", reject).listen(place.privatePath, listening);
    });
    await place.publish();
    if (!(await isAnswered(path)))
      throw new UserError(`cannot listen on unix:${path}: a socket there accepts no connections`);
  } finally {
    server.close();
    await place.remove();
  }
}

/** Whether a process listens there. */
function isAnswered(path: string): Promise<boolean> {
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
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
  throw error;
}
