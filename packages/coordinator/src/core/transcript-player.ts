// Plays a transcript of testdata/*.txt, for tests: `playTranscript`. A line that starts with "> " is a command; the
// indented lines below it are the effects of the core. The player replaces the conductor: it adds lists of
// micro-batches instead of tensors, and reports each commit at once. `commands` below lists the commands.
import { TreeSum } from "@lockstep/numerics";
import { advance } from "./advance.js";
import type { CoreEvent, Effect, JoinClaim } from "./event.js";
import type { PassKind } from "./run-plan.js";
import { type CoreSettings, type CoreState, createState, describeState } from "./state.js";
import { decideSum } from "./sum-decision.js";

type Options = Readonly<Record<string, string>>;
type LeaseEffect = Extract<Effect, { type: "lease" }>;

/** Plays every command of a transcript. Returns the text that the file should have. */
export function playTranscript(text: string): string {
  const player = new TranscriptPlayer();
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("  ")) continue;
    lines.push(line);
    if (line.startsWith("> ")) lines.push(...player.play(line.slice(2)).map((answer) => `  ${answer}`));
  }
  return lines.join("\n");
}

class TranscriptPlayer {
  #state: CoreState | null = null;
  #nowMs = 0;
  #reason = "";
  #numJoins = new Map<string, number>();
  #sum: TreeSum<number[]> | null = null;
  #leases = new Map<number, LeaseEffect>();
  #lines: string[] = [];
  #losses: number[] = [];

  play(line: string): string[] {
    this.#lines = [];
    const [name = "", ...words] = line.split(" ");
    const positional = words.filter((word) => !word.includes("="));
    const options = Object.fromEntries(
      words.filter((word) => word.includes("=")).map((word) => word.split("=", 2) as [string, string]),
    );
    const command = this.commands[name];
    if (command === undefined) throw new Error(`unknown command: ${line}`);
    command(positional, options);
    return this.#lines;
  }

  /** The commands that may follow "> ". WHO is a worker's name; LEASE is L and the lease's id. */
  private readonly commands: Readonly<Record<string, (words: string[], options: Options) => void>> = {
    /**
     * run steps-per-epoch=2 epochs=1 micro-batches=4 validation=2 [checkpoint-every=] [max-steps=] [mixed=yes] [step=]
     * [expect=] [patience=] [min-delta=] [losses=1,0.5]: the losses of the epochs in order; the last one is repeated
     */
    run: (_, options) => this.#run(options),
    /** join WHO [slot=] [threads=] [process=] and any field of the claim */
    join: ([who = ""], options) => this.#join(who, options),
    attend: ([who = ""]) => this.#dispatch({ type: "session-opened", sessionId: this.#session(who) }),
    /** join and attend */
    worker: ([who = ""], options) => {
      this.#join(who, options);
      this.#dispatch({ type: "session-opened", sessionId: this.#session(who) });
    },
    beat: (names) => {
      for (const who of names) this.#dispatch({ type: "heartbeat", sessionId: this.#session(who) });
    },
    kill: ([who = ""]) =>
      this.#dispatch({ type: "session-closed", sessionId: this.#session(who), reason: "its stream broke" }),
    drain: ([who = ""]) => this.#dispatch({ type: "draining", sessionId: this.#session(who), reason: "asked to" }),
    /** wait MILLISECONDS: then one tick */
    wait: ([ms = "0"]) => {
      this.#nowMs += Number(ms);
      this.#dispatch({ type: "tick" });
    },
    /** answer LEASE [generation=] [step=] [digest=] [nan=MICROBATCH]: the worker sends the sum of a lease */
    answer: ([lease = ""], options) => this.#answer(Number(lease.slice(1)), options),
    /** fail LEASE: the worker gives up the lease */
    fail: ([lease = ""]) => {
      const leaseId = Number(lease.slice(1));
      const sessionId = this.#leases.get(leaseId)?.sessionId ?? "";
      this.#dispatch({ type: "lease-failed", sessionId, leaseId, reason: "image unreadable" });
    },
    /** stop: an operator ends the run */
    stop: () => this.#dispatch({ type: "stop", reason: "asked to stop", mayGoOn: false }),
    /** terminate: the coordinator's process receives SIGTERM */
    terminate: () => this.#dispatch({ type: "stop", reason: "SIGTERM", mayGoOn: true }),
    counts: () => {
      const { leasesRedone, microBatchesBySlot } = this.#known();
      const bySlot = [...microBatchesBySlot].sort(([a], [b]) => a - b).map(([slot, count]) => `slot ${slot}: ${count}`);
      this.#lines.push(`leases redone ${leasesRedone}; micro-batches ${bySlot.join(", ")}`);
    },
  };

  #run(options: Options): void {
    const shape = (numMicroBatches: number) => ({
      numMicroBatches,
      numSamples: 8 * numMicroBatches,
      microBatch: () => ({ count: 8 }),
    });
    const stepsPerEpoch = Number(options["steps-per-epoch"] ?? 2);
    const validation = Number(options["validation"] ?? 0);
    const settings: CoreSettings = {
      protocolVersion: 1,
      coordinatorGeneration: 1,
      runSpecSha256: "spec",
      datasetFingerprint: "data",
      layoutSha256: "layout",
      plan: {
        stepsPerEpoch,
        totalSteps: stepsPerEpoch * Number(options["epochs"] ?? 1),
        trainPass: () => shape(Number(options["micro-batches"] ?? 4)),
        validationPass: () => (validation === 0 ? null : shape(validation)),
      },
      earlyStop:
        options["patience"] === undefined
          ? null
          : { patience: Number(options["patience"]), minDelta: Number(options["min-delta"] ?? 0) },
      numSums: 2,
      checkpointEvery: options["checkpoint-every"] === undefined ? null : Number(options["checkpoint-every"]),
      maxSteps: options["max-steps"] === undefined ? null : Number(options["max-steps"]),
      heartbeatTimeoutMs: 5000,
      expectedWorkers: Number(options["expect"] ?? 1),
      gatherMs: 3000,
      stopGraceMs: 2000,
      allowMixedNumerics: options["mixed"] === "yes",
      late: { factor: 4, floorMs: 2000, unmeasuredFloorMs: 10_000 },
      maxValidationLease: 64,
    };
    this.#losses = (options["losses"] ?? "1").split(",").map(Number);
    const step = Number(options["step"] ?? 0);
    const position = { step, epoch: Math.floor(step / stepsPerEpoch), stepInEpoch: step % stepsPerEpoch };
    this.#state = createState({ settings, position, reference: null });
    // A resumed run has the losses of its completed epochs.
    this.#state.validationLosses = Array.from({ length: position.epoch }, (_, epoch) => this.#loss(epoch));
    this.#dispatch({ type: "opened", weightsDigest: `w${step}` });
  }

  #join(who: string, options: Options): void {
    const number = (this.#numJoins.get(who) ?? 0) + 1;
    this.#numJoins.set(who, number);
    const claim: JoinClaim = {
      protocolVersion: Number(options["protocol"] ?? 1),
      runSpecSha256: options["spec"] ?? "spec",
      datasetFingerprint: options["data"] ?? "data",
      pixelsSha256: options["pixels"] ?? "pixels",
      numericsJson: JSON.stringify({ backend: options["backend"] ?? "torch", threads: 1 }),
      layoutSha256: options["layout"] ?? "layout",
      wantedSlot: Number(options["slot"] ?? -1),
      instanceId: options["process"] ?? `${who}-${number}`,
      computeThreads: Number(options["threads"] ?? 1),
      host: "here",
    };
    this.#dispatch({ type: "join", claim, sessionId: this.#session(who) });
  }

  #answer(leaseId: number, options: Options): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) throw new Error(`lease ${leaseId} was never granted`);
    const decision = decideSum(this.#known(), {
      sessionId: lease.sessionId,
      leaseId,
      coordinatorGeneration: Number(options["generation"] ?? 1),
      pass: lease.pass,
      step: Number(options["step"] ?? lease.step),
      weightsDigest: options["digest"] ?? lease.weightsDigest,
      first: lease.first,
      count: lease.count,
      proofs: Array.from({ length: lease.count }, (_, index) => ({
        microBatch: lease.first + index,
        finite: options["nan"] !== String(lease.first + index),
        numSamples: 8,
      })),
      numSums: 2,
    });
    switch (decision.kind) {
      case "take": {
        const { first, count } = lease;
        const leaves = Array.from({ length: count }, (_, index) => first + index);
        const result = this.#sum?.add({ first, count }, leaves);
        if (result === "accepted") {
          this.#lines.push(`L${leaseId} accepted`);
          this.#dispatch({ type: "sum-accepted", leaseId });
        } else {
          this.#lines.push(`L${leaseId} duplicate`);
          this.#dispatch({ type: "sum-refused", leaseId, reason: "duplicate" });
        }
        return;
      }
      case "late":
        this.#lines.push(`L${leaseId} not needed: ${decision.reason}`);
        return;
      case "not-finite":
        this.#lines.push(`L${leaseId} not finite`);
        this.#dispatch({ type: "sum-not-finite", leaseId, microBatch: decision.microBatch });
        return;
      case "refuse":
        this.#lines.push(`L${leaseId} refused, ${decision.code}: ${decision.message}`);
    }
  }

  #session(who: string): string {
    return `${who}/${this.#numJoins.get(who) ?? 0}`;
  }

  #known(): CoreState {
    if (this.#state === null) throw new Error("a transcript starts with > run");
    return this.#state;
  }

  #dispatch(event: CoreEvent): void {
    const { state, effects, reason } = advance(this.#known(), event, this.#nowMs);
    this.#state = state;
    for (const effect of effects) {
      this.#lines.push(describeEffect(effect));
      if (effect.type === "lease") this.#leases.set(effect.leaseId, effect);
      if (effect.type === "open-pass") this.#openPass(effect.numMicroBatches);
    }
    if (reason !== this.#reason) this.#lines.push(`(${describeState(state).name}: ${reason})`);
    this.#reason = reason;
    for (const effect of effects) {
      if (effect.type === "commit") this.#commit(effect.step);
      if (effect.type === "conclude-epoch") {
        this.#dispatch({ type: "concluded", validationLoss: this.#loss(effect.epoch) });
      }
    }
  }

  #loss(epoch: number): number | null {
    return this.#losses[epoch] ?? this.#losses.at(-1) ?? null;
  }

  #openPass(numMicroBatches: number): void {
    this.#sum = new TreeSum<number[]>(numMicroBatches, (into, from) => into.push(...from));
  }

  #commit(step: number): void {
    this.#lines.push(`sum of micro-batches ${this.#sum?.root()?.join(" ") ?? "incomplete"}`);
    this.#dispatch({ type: "committed", weightsDigest: `w${step + 1}` });
  }
}

function describeEffect(effect: Effect): string {
  const passAt = ({ pass, step }: { pass: PassKind; step: number }): string =>
    pass === "train" ? `step ${step}` : `validation at step ${step}`;
  const range = ({ first, count }: { first: number; count: number }): string =>
    count === 1 ? `${first}` : `${first}..${first + count - 1}`;
  switch (effect.type) {
    case "admit":
      return `admit ${effect.sessionId}: slot ${effect.slot}, generation ${effect.generation}${effect.mixed ? ", mixed" : ""}`;
    case "refuse":
      return `refuse, ${effect.code}: ${effect.message}`;
    case "worker-lost":
      return `lost ${effect.sessionId} of slot ${effect.slot} with ${effect.leasesLost} leases: ${effect.reason}`;
    case "open-pass":
      return `open ${passAt(effect)}, ${effect.numMicroBatches} micro-batches`;
    case "lease":
      return `lease L${effect.leaseId} to ${effect.sessionId}: ${passAt(effect)}, ${range(effect)}, ${effect.weightsDigest}`;
    case "revoke":
      return `revoke L${effect.leaseId} from ${effect.sessionId}: ${effect.reason}`;
    case "lease-redone":
      return `redo ${range(effect)} of slot ${effect.slot}: ${effect.reason}`;
    case "commit":
      return `commit step ${effect.step}`;
    case "conclude-epoch":
      return `conclude epoch ${effect.epoch} at step ${effect.step}`;
    case "abandon-pass":
      return `abandon the pass: ${effect.reason}`;
    case "snapshot":
      return `snapshot (${effect.why})`;
    case "end": {
      const { outcome } = effect;
      if (outcome.kind === "completed") {
        return outcome.reason === "the run reached its end" ? "end: completed" : `end: completed, ${outcome.reason}`;
      }
      return outcome.kind === "stopped" ? `end: stopped, ${outcome.reason}` : `end: failed, ${outcome.message}`;
    }
  }
}
