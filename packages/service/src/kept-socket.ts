// Keeps a server reachable at a unix socket with `KeptSocket`: binds it, and binds it again when its file has been removed. Cleaners of
// temporary folders remove a socket that nobody has opened for days, while the run behind it goes on.
import { lstat, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { describeError, type Log } from "@lockstep/errors";
import { SocketPlace } from "./socket-place.js";

export interface KeptSocketOptions {
  readonly path: string;
  /** Makes the server listen at this path too. */
  readonly bind: (path: string) => Promise<unknown>;
  /** How often the file is looked for. */
  readonly checkMs: number;
  readonly log: Log;
}

export class KeptSocket {
  readonly #options: KeptSocketOptions;
  /** The owner of the socket's folder: in a folder that somebody else has made meanwhile, no socket is made again. */
  readonly #folderOwner: number;
  readonly #timer: NodeJS.Timeout;
  #place: SocketPlace;
  #checking: Promise<void> = Promise.resolve();
  #lastProblem: string | null = null;
  #isClosed = false;

  private constructor(options: KeptSocketOptions, place: SocketPlace, folderOwner: number) {
    this.#options = options;
    this.#place = place;
    this.#folderOwner = folderOwner;
    this.#timer = setInterval(() => {
      this.#checking = this.#checking.then(() => this.#check());
    }, options.checkMs).unref();
  }

  /** @throws UserError as SocketPlace.claim and `bind` do */
  static async bind(options: KeptSocketOptions): Promise<KeptSocket> {
    const place = await bindAt(options);
    return new KeptSocket(options, place, (await lstat(dirname(options.path))).uid);
  }

  /** Does not look for the file any more, and removes it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#checking;
    await this.#place.remove();
  }

  /** The former socket still listens, where nobody can reach it: grpc-js closes none without its connections. Never rejects. */
  async #check(): Promise<void> {
    const { path, log } = this.#options;
    try {
      if (this.#isClosed || !(await this.#place.isRemoved())) return;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      if ((await lstat(dirname(path))).uid !== this.#folderOwner)
        throw new Error("its folder belongs to another user now");
      this.#place = await bindAt(this.#options);
      this.#lastProblem = null;
      log.warn({ path }, "the socket was removed, and has been made again; is a cleaner of temporary files at work?");
    } catch (error) {
      const problem = describeError(error);
      if (problem !== this.#lastProblem) {
        log.warn(
          { path, problem },
          "the socket was removed, and cannot be made again yet: nobody can connect; trying again",
        );
      }
      this.#lastProblem = problem;
    }
  }
}

async function bindAt({ path, bind, log }: KeptSocketOptions): Promise<SocketPlace> {
  const place = await SocketPlace.claim(path, log);
  try {
    await bind(place.privatePath);
    await place.publish();
    return place;
  } catch (error) {
    await place.remove();
    throw error;
  }
}
