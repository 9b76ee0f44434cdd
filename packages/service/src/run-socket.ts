// Chooses with `chooseRunSocket` where the socket of a run on this machine is: in the run's own folder where that is possible, as no
// cleaner of temporary files looks there and the next start of the run replaces what a killed process left; else in a folder of
// this user under $XDG_RUNTIME_DIR, which is removed when the user logs out; else under the temporary folder.
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { describeError, type Log, UserError } from "@lockstep/errors";
import { SocketInUse, trySocket } from "./socket-place.js";

export interface RunSocketOptions {
  /** The run's folder, there already. */
  readonly out: string;
  readonly log: Log;
  /** Default: process.env, the system's temporary folder. */
  readonly environment?: { readonly XDG_RUNTIME_DIR?: string };
  readonly temporaryFolder?: string;
}

export interface RunSocket {
  readonly path: string;
  /** Makes the socket's folder where it has been removed. Call before each start of the server. */
  ensureFolder(): void;
}

/** In the run's folder. The second one is used while the coordinator of a launcher that was killed still leaves. */
export const runSocketNames = ["run.sock", "run-2.sock"] as const;

/** Each place is tried with a real socket, as not every file system can hold one. @throws UserError that names every place and what is wrong there */
export async function chooseRunSocket(options: RunSocketOptions): Promise<RunSocket> {
  const { out, log, environment = process.env, temporaryFolder = tmpdir() } = options;
  const folder = resolve(out);
  const runId = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  const perRun = [`${runId}.sock`, `${runId}-2.sock`];
  const { XDG_RUNTIME_DIR: runtime } = environment;
  const places = [
    { folder, names: runSocketNames, isShared: false },
    ...(runtime && isAbsolute(runtime) ? [{ folder: join(runtime, "lockstep"), names: perRun, isShared: true }] : []),
    { folder: join(resolve(temporaryFolder), `lockstep-${process.getuid?.() ?? 0}`), names: perRun, isShared: true },
  ];
  const problems: string[] = [];
  for (const { folder, names, isShared } of places) {
    const ensureFolder = (): void => {
      if (isShared) makeOwnFolder(folder);
    };
    for (const name of names) {
      const path = join(folder, name);
      const problem = await Promise.resolve()
        .then(ensureFolder)
        .then(() => trySocket(path, log))
        .catch((error: unknown) => error);
      if (problem === undefined) return { path, ensureFolder };
      problems.push(describeError(problem));
      if (!(problem instanceof SocketInUse)) break;
    }
  }
  throw new UserError(
    `no place for the run's socket: ${problems.join("; ")}; set TMPDIR to a folder with a short path that you may write to`,
  );
}

/** The folder is under one that all users may write to: one that another user has made is refused. */
function makeOwnFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // of the file system
  }
  const { uid, mode } = lstatSync(folder);
  const own = process.getuid?.() ?? uid;
  if (uid !== own || (mode & 0o077) !== 0) throw new Error(`${folder}: is not this user's alone`);
}
