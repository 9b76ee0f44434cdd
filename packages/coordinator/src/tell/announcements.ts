// Logs the effects of the core for users and publishes them for observers: `announce`.
import type { Log } from "@lockstep/errors";
import type { Effect } from "../core/event.js";
import type { EventHub } from "./event-hub.js";

export function announce(effect: Effect, { log, events }: { readonly log: Log; readonly events: EventHub }): void {
  switch (effect.type) {
    case "admit": {
      const { slot, generation, host, computeThreads, backend, mixed } = effect;
      if (mixed) log.warn({ slot }, "the worker's numerics differ from the run's: the run is not exact");
      log.info({ slot, generation, host, computeThreads, backend }, "worker joined");
      events.publish({ $case: "workerJoined", value: { slot, generation, host, computeThreads, backend } });
      return;
    }
    case "refuse":
      log.warn({ code: effect.code }, `refused a worker: ${effect.message}`);
      return;
    case "worker-lost": {
      const { slot, generation, reason, leasesLost, left } = effect;
      const fields = { slot, generation, leasesLost };
      if (leasesLost > 0) log.warn(fields, `worker lost: ${reason}`);
      else log.info(fields, `worker left: ${reason}`);
      events.publish({ $case: "workerLost", value: { slot, generation, reason, leasesLost, left } });
      return;
    }
    case "lease-redone": {
      const { step, first, count, slot, reason } = effect;
      log.warn({ step, first, count, slot }, `lease is computed again: ${reason}`);
      events.publish({ $case: "leaseRedone", value: { step, firstMicroBatch: first, count, slot, reason } });
      return;
    }
    case "abandon-pass":
      log.info({}, `pass abandoned: ${effect.reason}`);
      return;
  }
}
