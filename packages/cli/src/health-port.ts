// Owns the port of a process that answers health checks alone (--health-listen): probes of Kubernetes and compose speak no TLS.
import { type Health, type Listener, listenForHealth } from "@lockstep/service";
import type { Logger } from "pino";

/** Null where no address is given. */
export async function openHealth(address: string | undefined, health: Health, log: Logger): Promise<Listener | null> {
  if (address === undefined) return null;
  const listener = await listenForHealth({ address, health, log });
  log.info({ address: listener.address }, "health checks are answered");
  return listener;
}
