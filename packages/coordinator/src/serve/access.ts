// Decides who may connect to the coordinator, and call what: `accessOf` makes the part of listen()'s options that says so.
import type { Log } from "@lockstep/errors";
import { findJoinToken, parseAddress, tlsAs } from "@lockstep/service";
import { methodGuard } from "./method-guard.js";

export interface AccessOptions {
  readonly listen: string;
  /** Folder of the coordinator's certificates. */
  readonly tls?: string | undefined;
  /** Default: `join-token` in the folder of certificates, where it is there. */
  readonly joinTokenFile?: string | undefined;
  /** Plain text beyond this machine. */
  readonly insecure?: boolean | undefined;
  readonly log: Log;
}

export function accessOf({ listen: address, tls: folder, joinTokenFile: file, insecure, log }: AccessOptions) {
  const isUnix = parseAddress(address).kind === "unix";
  const joinToken = findJoinToken({ file, tlsFolder: folder });
  if (folder !== undefined && !isUnix && joinToken === null) {
    log.warn(
      { folder },
      "no join token: whoever has a worker's certificate may join (put one into join-token there, or --join-token-file)",
    );
  }
  return {
    tls: tlsAs("coordinator", folder),
    insecure,
    interceptors: [methodGuard({ hasRoles: folder !== undefined && !isUnix, joinToken, log })],
  };
}
