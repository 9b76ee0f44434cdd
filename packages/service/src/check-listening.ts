// Owns saying at once what would keep a server from listening, where that comes minutes later.
import { parseAddress } from "./address.js";
import { tlsIdentity } from "./credentials.js";
import type { ListenOptions } from "./listen.js";
import { findJoinToken } from "./tls/join-token.js";

const quiet = { info: () => {}, warn: () => {} };

/** @throws UserError as `listen` and `findJoinToken` will */
export function checkListening(
  options: Pick<ListenOptions, "address" | "tls" | "insecure"> & { readonly joinTokenFile?: string | undefined },
): void {
  const { tls, insecure = false, joinTokenFile: file } = options;
  tlsIdentity({ address: parseAddress(options.address), tls, insecure, log: quiet }, "listening on");
  findJoinToken({ file, tlsFolder: tls?.folder });
}
