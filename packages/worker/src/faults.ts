// Owns faults injected by name, for tests of the whole system. Off unless the environment variable LOCKSTEP_FAULTS is
// set: a JSON array such as [{"fault":"kill","slot":1,"step":3,"phase":"upload"}]. Each fault strikes once in a process.
//
//   fault       "kill": SIGKILL to this process. "delay": the lease waits for `ms`; heartbeats go on.
//               "crash": a compute thread throws outside of any job.
//   slot        the worker's slot
//   step        optimizer updates before the lease's step
//   phase       "lease": a lease of that step came, nothing was done for it yet. "compute": its micro-batches are being
//               computed. "upload": the header and, where it has any, one chunk of its sum are on their way.
//   pass        "train" (default) or "validate"
//   generation  the slot's life in which it strikes (default 1): a restarted worker is not struck again
//   ms          delay only
import { UserError } from "@lockstep/errors";
import { sleep } from "@lockstep/service";

export const faultsVariable = "LOCKSTEP_FAULTS";

const faultPhases = ["lease", "compute", "upload"] as const;
export type FaultPhase = (typeof faultPhases)[number];

interface FaultPlace {
  readonly slot: number;
  readonly step: number;
  readonly phase: FaultPhase;
  readonly pass: "train" | "validate";
  readonly generation: number;
}

export type Fault = FaultPlace &
  ({ readonly fault: "kill" } | { readonly fault: "crash" } | { readonly fault: "delay"; readonly ms: number });

/** What the faults do to the process; the worker passes in the real thing. */
export interface FaultTargets {
  kill(): void;
  crash(): void;
}

/** @param text the variable's value; undefined or empty: no faults. @throws UserError for anything it does not know */
export function parseFaults(text: string | undefined): Fault[] {
  if (text === undefined || text === "") return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${faultsVariable} is not JSON: ${text}`, { cause: error });
  }
  if (!Array.isArray(parsed)) throw new UserError(`${faultsVariable} must be a JSON array: ${text}`);
  return parsed.map(parseFault);
}

/** Strikes the faults whose place is reached. */
export class FaultInjector {
  readonly #pending: Set<Fault>;
  readonly #targets: FaultTargets;

  constructor(faults: readonly Fault[], targets: FaultTargets) {
    this.#pending = new Set(faults);
    this.#targets = targets;
  }

  /** Resolves when the work may go on; at once where nothing is planned. Rejects with `signal.reason`. */
  async reach(place: FaultPlace, signal: AbortSignal): Promise<void> {
    for (const fault of this.#pending) {
      if (!isAt(fault, place)) continue;
      this.#pending.delete(fault);
      if (fault.fault === "kill") this.#targets.kill();
      else if (fault.fault === "crash") this.#targets.crash();
      else await sleep(fault.ms, signal);
    }
  }
}

function isAt(fault: FaultPlace, place: FaultPlace): boolean {
  return (
    fault.slot === place.slot &&
    fault.step === place.step &&
    fault.phase === place.phase &&
    fault.pass === place.pass &&
    fault.generation === place.generation
  );
}

function parseFault(value: unknown): Fault {
  const complain = (what: string): never => {
    throw new UserError(`${faultsVariable}: ${what} in ${JSON.stringify(value)}`);
  };
  if (typeof value !== "object" || value === null) return complain("no fault");
  const { fault, slot, step, phase, pass = "train", generation = 1, ms, ...unknown } = value as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) return complain(`unknown field ${stranger}`);
  if (!isCount(slot)) return complain(`slot must be a whole number`);
  if (!isCount(step)) return complain(`step must be a whole number`);
  if (!isCount(generation)) return complain(`generation must be a whole number`);
  if (pass !== "train" && pass !== "validate") return complain("pass must be train or validate");
  const known = faultPhases.find((name) => name === phase);
  if (known === undefined) return complain(`phase must be one of ${faultPhases.join(", ")}`);
  const place = { slot, step, phase: known, pass, generation } as const;
  if (fault === "delay") return isCount(ms) ? { ...place, fault, ms } : complain("delay needs ms");
  if (ms !== undefined) return complain("ms belongs to delay");
  if (fault === "kill" || fault === "crash") return { ...place, fault };
  return complain("fault must be kill, crash or delay");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
