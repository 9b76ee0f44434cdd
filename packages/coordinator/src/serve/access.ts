// Decides who may connect to the coordinator and which methods they may call: `accessOf` returns these options of
// listen().
import type { Log } from "@lockstep/errors";
import { findJoinToken, parseAddress, tlsAs } from "@lockstep/service";
import { methodGuard } from "./method-guard.js";

export interface AccessOptions {
  readonly listen: string;
  /** Folder of the coordinator's certificates. */
  readonly tls?: string | undefined;
  /** Default: the file `join-token` in the folder of certificates, if it exists. */
  readonly joinTokenFile?: string | undefined;
  /** Allows plain text on an address that other machines can reach. */
  readonly insecure?: boolean | undefined;
  readonly log: Log;
}

export function accessOf({ listen: address, tls: folder, joinTokenFile: file, insecure, log }: AccessOptions) {
  const isUnix = parseAddress(address).kind === "unix";
  const joinToken = findJoinToken({ file, tlsFolder: folder });
  if (folder !== undefined && !isUnix && joinToken === null) {
    log.warn(
      { folder },
      "no join token: every holder of a worker's certificate may join; put a token into join-token in that folder, or use --join-token-file",
    );
  }
  return {
    tls: tlsAs("coordinator", folder),
    insecure,
    interceptors: [methodGuard({ hasRoles: folder !== undefined && !isUnix, joinToken, log })],
  };
}
