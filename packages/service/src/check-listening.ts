// Reports with `checkListening` what would keep a server from listening, before the minutes of work that precede it.
import { describeError, UserError } from "@lockstep/errors";
import { parseAddress } from "./address.js";
import { tlsIdentity } from "./credentials.js";
import type { ListenOptions } from "./listen.js";
import { SocketInUse, trySocket } from "./socket-place.js";
import { findJoinToken } from "./tls/join-token.js";

const quiet = { info: () => {}, warn: () => {} };

/** A socket that is in use is no problem yet: the former process may be about to end. @throws UserError as `listen` and `findJoinToken` will */
export async function checkListening(
  options: Pick<ListenOptions, "address" | "tls" | "insecure"> & { readonly joinTokenFile?: string | undefined },
): Promise<void> {
  const { tls, insecure = false, joinTokenFile: file } = options;
  const address = parseAddress(options.address);
  tlsIdentity({ address, tls, insecure, log: quiet }, "listening on");
  findJoinToken({ file, tlsFolder: tls?.folder });
  if (address.kind !== "unix") return;
  await trySocket(address.path, quiet).catch((error: unknown) => {
    if (error instanceof SocketInUse) return;
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot listen on unix:${address.path}: ${describeError(error)} (--listen)`, { cause: error });
  });
}
