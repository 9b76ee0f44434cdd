// `openHealth` opens the port of a process that answers only health checks (--health-listen): the probes of Kubernetes and Compose
// cannot use TLS.
import { type Health, type Listener, listenForHealth } from "@lockstep/service";
import type { Logger } from "pino";

/** @returns null if no address is given */
export async function openHealth(address: string | undefined, health: Health, log: Logger): Promise<Listener | null> {
  if (address === undefined) return null;
  const listener = await listenForHealth({ address, health, log });
  log.info({ address: listener.address }, "health checks are answered");
  return listener;
}
