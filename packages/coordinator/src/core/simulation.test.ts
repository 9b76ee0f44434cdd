// Simulates the core with random workers that join, crash, hang, and send sums late or twice. In each simulation the
// run must end, each micro-batch of each pass must count once, and the sums must be those of the fixed tree. A failure
// names its seed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterRandom, randomDomain, TreeSum } from "@lockstep/numerics";
import { advance } from "./advance.js";
import type { CoreEvent, Effect } from "./event.js";
import { type CoreState, createState } from "./state.js";
import { decideSum } from "./sum-decision.js";

type LeaseEffect = Extract<Effect, { type: "lease" }>;

interface TimedEvent {
  readonly atMs: number;
  readonly order: number;
  run(): void;
}

const microBatchesOfStep = (step: number): number => [7, 4, 1, 13][step % 4] ?? 1;
const validationMicroBatches = 23;
const totalSteps = 12;
const stepsPerEpoch = 4;

/** The sum as an expression with brackets, which shows the order of every addition. */
function expression(numMicroBatches: number): string {
  const sum = bracketSum(numMicroBatches);
  for (let index = 0; index < numMicroBatches; index++) sum.add({ first: index, count: 1 }, { text: `${index}` });
  return sum.root()?.text ?? "";
}

function bracketSum(numMicroBatches: number): TreeSum<{ text: string }> {
  return new TreeSum(numMicroBatches, (into, from) => {
    into.text = `(${into.text}+${from.text})`;
  });
}

class Simulation {
  readonly sums: string[] = [];
  readonly faults = { crashes: 0, hangs: 0, duplicates: 0 };
  state: CoreState;
  #draws = 0;
  #nowMs = 0;
  #order = 0;
  #events: TimedEvent[] = [];
  #sum = bracketSum(1);
  #liveSessions = new Set<string>();
  #numJoined = 0;
  readonly #random: CounterRandom;

  constructor(seed: number) {
    this.#random = new CounterRandom(seed, randomDomain.synthetic);
    const shape = (numMicroBatches: number) => ({
      numMicroBatches,
      numSamples: numMicroBatches,
      microBatch: () => ({ count: 1 }),
    });
    this.state = createState({
      settings: {
        protocolVersion: 1,
        coordinatorGeneration: 1,
        runSpecSha256: "",
        datasetFingerprint: "",
        layoutSha256: "",
        plan: {
          stepsPerEpoch,
          totalSteps,
          trainPass: (step) => shape(microBatchesOfStep(step)),
          validationPass: () => shape(validationMicroBatches),
        },
        earlyStop: null,
        numSums: 0,
        checkpointEvery: 3,
        maxSteps: null,
        heartbeatTimeoutMs: 5000,
        expectedWorkers: 3,
        gatherMs: 4000,
        stopGraceMs: 2000,
        allowMixedNumerics: false,
        late: { factor: 4, floorMs: 2000, unmeasuredFloorMs: 10_000 },
        maxValidationLease: 8,
      },
      position: { step: 0, epoch: 0, stepInEpoch: 0 },
      reference: null,
    });
  }

  /** Runs until the run ends. Throws if it does not end within a day of simulated time. */
  run(): void {
    this.#dispatch({ type: "opened", weightsDigest: "w0" });
    this.#every(250, () => this.#dispatch({ type: "tick" }));
    this.#every(500, () => {
      for (const sessionId of this.#liveSessions) this.#dispatch({ type: "heartbeat", sessionId });
    });
    this.#every(700, () => {
      if (this.#liveSessions.size < 1 + this.#draw(5)) this.#joinWorker();
    });
    while (this.state.phase.kind !== "ended") {
      this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const next = this.#events.shift();
      assert.ok(next !== undefined && next.atMs < 86_400_000, "the run does not end");
      this.#nowMs = next.atMs;
      next.run();
    }
  }

  #joinWorker(): void {
    const sessionId = `s${++this.#numJoined}`;
    const claim = {
      protocolVersion: 1,
      runSpecSha256: "",
      datasetFingerprint: "",
      pixelsSha256: "",
      numericsJson: "{}",
      layoutSha256: "",
      wantedSlot: -1,
      instanceId: sessionId,
      computeThreads: 1 + this.#draw(3),
      host: "",
    };
    this.#dispatch({ type: "join", claim, sessionId });
    this.#liveSessions.add(sessionId);
    this.#after(this.#draw(300), () => this.#dispatch({ type: "session-opened", sessionId }));
    // Four of ten workers crash. The coordinator detects half of the crashes at once, and half by silence.
    if (this.#draw(10) < 4) {
      this.#after(this.#draw(8000), () => {
        this.faults.crashes += 1;
        this.#liveSessions.delete(sessionId);
        if (this.#draw(2) === 0) this.#dispatch({ type: "session-closed", sessionId, reason: "crashed" });
      });
    }
  }

  #work(lease: LeaseEffect): void {
    const fault = this.#draw(20);
    const { sessionId, leaseId } = lease;
    if (fault === 0) {
      this.faults.hangs += 1;
    } else if (fault === 1) {
      this.#after(this.#draw(100), () =>
        this.#dispatch({ type: "lease-failed", sessionId, leaseId, reason: "unreadable" }),
      );
    } else {
      const takesMs = lease.count * (20 + this.#draw(fault === 2 ? 20_000 : 80));
      this.#after(takesMs, () => this.#answer(lease));
      if (fault === 3) this.#after(takesMs + 5, () => this.#answer(lease));
    }
    // A worker that hangs is restarted after 15 s.
    if (fault === 0)
      this.#after(15_000, () => this.#dispatch({ type: "session-closed", sessionId, reason: "restarted" }));
  }

  #answer(lease: LeaseEffect): void {
    if (!this.#liveSessions.has(lease.sessionId)) return;
    const { first, count, leaseId } = lease;
    const leaves = Array.from({ length: count }, (_, index) => first + index);
    const decision = decideSum(this.state, {
      ...lease,
      coordinatorGeneration: 1,
      proofs: leaves.map((microBatch) => ({ microBatch, finite: true, numSamples: 1 })),
      numSums: 0,
    });
    if (decision.kind !== "take") {
      this.faults.duplicates += 1;
      return;
    }
    // The worker's part of the tree, with the brackets of that part.
    const part = new TreeSum<{ text: string }>(
      lease.numMicroBatches,
      (into, from) => {
        into.text = `(${into.text}+${from.text})`;
      },
      { first, count },
    );
    for (const leaf of leaves) part.add({ first: leaf, count: 1 }, { text: `${leaf}` });
    const text = part.root()?.text ?? "";
    const added = this.#sum.add({ first, count }, { text });
    assert.equal(added, "accepted", `lease ${leaseId}: an open lease overlaps a node that is in the tree`);
    this.#dispatch({ type: "sum-accepted", leaseId });
  }

  #dispatch(event: CoreEvent): void {
    const before = JSON.stringify(this.state);
    const { state, effects } = advance(this.state, event, this.#nowMs);
    assert.equal(JSON.stringify(this.state), before, "advance changed its argument");
    this.state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    if (effect.type === "open-pass") this.#sum = bracketSum(effect.numMicroBatches);
    if (effect.type === "lease") this.#work(effect);
    if (effect.type === "worker-lost") this.#liveSessions.delete(effect.sessionId);
    if (effect.type === "commit") {
      this.sums.push(this.#sum.root()?.text ?? "incomplete");
      this.#dispatch({ type: "committed", weightsDigest: `w${effect.step + 1}` });
    }
    if (effect.type === "conclude-epoch") {
      this.sums.push(this.#sum.root()?.text ?? "incomplete");
      this.#dispatch({ type: "concluded", validationLoss: 1 });
    }
  }

  #draw(below: number): number {
    return Math.floor(this.#random.uniform(this.#draws++) * below);
  }

  #after(ms: number, run: () => void): void {
    this.#events.push({ atMs: this.#nowMs + ms, order: this.#order++, run });
  }

  #every(ms: number, run: () => void): void {
    this.#after(ms, () => {
      run();
      this.#every(ms, run);
    });
  }
}

function expectedSums(): string[] {
  const sums: string[] = [];
  for (let step = 0; step < totalSteps; step++) {
    sums.push(expression(microBatchesOfStep(step)));
    if ((step + 1) % stepsPerEpoch === 0) sums.push(expression(validationMicroBatches));
  }
  return sums;
}

test("with random joins, crashes, hangs and delays every pass has the fixed tree's sum, and the run ends", () => {
  const expected = expectedSums();
  const microBatches =
    Array.from({ length: totalSteps }, (_, step) => microBatchesOfStep(step)).reduce((a, b) => a + b, 0) +
    validationMicroBatches * (totalSteps / stepsPerEpoch);
  const faults = { crashes: 0, hangs: 0, duplicates: 0, redone: 0 };
  for (let seed = 0; seed < 60; seed++) {
    const simulation = new Simulation(seed);
    simulation.run();
    assert.deepEqual(simulation.sums, expected, `seed ${seed}`);
    const { phase, microBatchesBySlot, leasesRedone } = simulation.state;
    assert.deepEqual(
      phase,
      { kind: "ended", outcome: { kind: "completed", reason: "the run reached its end" } },
      `seed ${seed}`,
    );
    const counted = [...microBatchesBySlot.values()].reduce((a, b) => a + b, 0);
    assert.equal(counted, microBatches, `seed ${seed}: each micro-batch is counted once`);
    faults.crashes += simulation.faults.crashes;
    faults.hangs += simulation.faults.hangs;
    faults.duplicates += simulation.faults.duplicates;
    faults.redone += leasesRedone;
  }
  for (const [fault, count] of Object.entries(faults)) assert.ok(count > 10, `${fault} happened ${count} times only`);
});
