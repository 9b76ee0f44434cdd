// FaultInjector injects faults by name, for tests of the whole system. Faults are configured in the environment
// variable LOCKSTEP_FAULTS, a JSON array such as [{"fault":"kill","slot":1,"step":3,"phase":"upload"}]. Without it
// there are none. Each fault is injected once in a process.
//
//   fault       "kill": the process sends SIGKILL to itself. "delay": the lease waits for `ms`; heartbeats continue.
//               "crash": a compute thread throws outside of any job.
//   slot        the worker's slot
//   step        the lease's step: the number of optimizer updates before it
//   phase       "lease": the lease was received, and no work has begun. "compute": its micro-batches are being
//               computed. "upload": the header was sent, and one chunk of the sum if the lease has tensors.
//   pass        "train" (default) or "validate"
//   generation  the slot's generation (default 1): a restarted worker has a higher one, and gets no fault
//   ms          the length of a delay, milliseconds; for "delay" only
import { UserError } from "@lockstep/errors";
import { sleep } from "@lockstep/service";

export const faultsVariable = "LOCKSTEP_FAULTS";

const faultPhases = ["lease", "compute", "upload"] as const;
export type FaultPhase = (typeof faultPhases)[number];

interface FaultPoint {
  readonly slot: number;
  readonly step: number;
  readonly phase: FaultPhase;
  readonly pass: "train" | "validate";
  readonly generation: number;
}

export type Fault = FaultPoint &
  ({ readonly fault: "kill" } | { readonly fault: "crash" } | { readonly fault: "delay"; readonly ms: number });

/** The effects of faults on the process; tests pass in replacements. */
export interface FaultTargets {
  kill(): void;
  crash(): void;
}

/**
 * @param text the variable's value; undefined or empty: no faults
 * @throws UserError if the text is not a JSON array of faults
 */
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

/** Injects each fault when a lease comes to the fault's point. */
export class FaultInjector {
  readonly #pending: Set<Fault>;
  readonly #targets: FaultTargets;

  constructor(faults: readonly Fault[], targets: FaultTargets) {
    this.#pending = new Set(faults);
    this.#targets = targets;
  }

  /**
   * Injects the faults of this point. Resolves at once when there is no delay among them, else after the delay.
   * @throws `signal.reason` if the signal is aborted during a delay
   */
  async waitForFaultPoint(point: FaultPoint, signal: AbortSignal): Promise<void> {
    for (const fault of this.#pending) {
      if (!isAt(fault, point)) continue;
      this.#pending.delete(fault);
      if (fault.fault === "kill") this.#targets.kill();
      else if (fault.fault === "crash") this.#targets.crash();
      else await sleep(fault.ms, signal);
    }
  }
}

function isAt(fault: FaultPoint, point: FaultPoint): boolean {
  return (
    fault.slot === point.slot &&
    fault.step === point.step &&
    fault.phase === point.phase &&
    fault.pass === point.pass &&
    fault.generation === point.generation
  );
}

function parseFault(value: unknown): Fault {
  const refuse = (problem: string): never => {
    throw new UserError(`${faultsVariable}: ${JSON.stringify(value)}: ${problem}`);
  };
  if (typeof value !== "object" || value === null) return refuse("must be an object");
  const { fault, slot, step, phase, pass = "train", generation = 1, ms, ...unknown } = value as Record<string, unknown>;
  const [unknownField] = Object.keys(unknown);
  if (unknownField !== undefined) return refuse(`unknown field ${unknownField}`);
  if (!isCount(slot)) return refuse(`slot must be a whole number`);
  if (!isCount(step)) return refuse(`step must be a whole number`);
  if (!isCount(generation)) return refuse(`generation must be a whole number`);
  if (pass !== "train" && pass !== "validate") return refuse("pass must be train or validate");
  const known = faultPhases.find((name) => name === phase);
  if (known === undefined) return refuse(`phase must be one of ${faultPhases.join(", ")}`);
  const point = { slot, step, phase: known, pass, generation } as const;
  if (fault === "delay")
    return isCount(ms) ? { ...point, fault, ms } : refuse("delay requires ms, a whole number of milliseconds");
  if (ms !== undefined) return refuse("only delay takes ms");
  if (fault === "kill" || fault === "crash") return { ...point, fault };
  return refuse("fault must be kill, crash or delay");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
