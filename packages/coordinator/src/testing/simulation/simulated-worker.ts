// A worker in a simulation: `SimulatedWorker` joins, computes leases and has faults at random. Like a real worker it
// joins again when its session ends, and leaves when the run is over.
import {
  type FetchWeightsRequest,
  float32Bytes,
  fromServiceError,
  type Instruction,
  type JoinResponse,
  type Lease,
  remedyOf,
  type SubmitSumRequest,
  WireError,
  xxh3Digest,
} from "@lockstep/protocol";
import { claimOf } from "../fake-worker.js";
import { madeUpSum } from "../made-up-sum.js";
import type { TinyRun } from "../prepared-folder.js";
import type { Draws } from "./draws.js";
import type { Connection } from "./in-process-calls.js";
import type { Scope } from "./virtual-time.js";

export interface WorkerContext {
  readonly tiny: TinyRun;
  readonly draws: Draws;
  /** Null while no coordinator can be reached. */
  connect(worker: Scope): Connection | null;
  /** Probability of a fault in a lease. */
  faultProbability(): number;
  /** Counts a fault, so that the test can check that it occurs. */
  countFault(fault: string): void;
  /** Called when the coordinator has answered that the run is over. */
  onRunOver(): void;
  /** Reports behaviour of the coordinator that is wrong. */
  violation(message: string): void;
}

const leaseFaults = [
  "gives the lease up",
  "upload cut off",
  "upload cut off for good",
  "upload twice at once",
  "upload for another generation",
  "upload of an earlier lease",
  "upload damaged",
  "second stream of its session",
  "stalls",
  "hangs",
  "crashes",
  "crashes silently",
  "leaves",
] as const;

export class SimulatedWorker {
  readonly #context: WorkerContext;
  readonly #scope: Scope;
  readonly #instanceId: string;
  readonly #computeThreads: number;
  #connection: Connection | null = null;
  #stalledUntil: Promise<void> = Promise.resolve();
  #isStalled = false;
  #earlier: readonly SubmitSumRequest[] | null = null;

  constructor(context: WorkerContext, scope: Scope, instanceId: string) {
    this.#context = context;
    this.#scope = scope;
    this.#instanceId = instanceId;
    this.#computeThreads = context.draws.pick([1, 1, 2]);
  }

  get isAlive(): boolean {
    return this.#scope.isAlive;
  }

  /** Works until it leaves or is killed. */
  async run(): Promise<void> {
    for (;;) {
      await this.#scope.sleep(50 + this.#context.draws.below(400));
      this.#connection = this.#context.connect(this.#scope);
      if (this.#connection === null) continue;
      try {
        const claim = {
          ...claimOf(this.#context.tiny),
          instanceId: this.#instanceId,
          computeThreads: this.#computeThreads,
        };
        const joined = await this.#connection.join(claim);
        if (await this.#attend(this.#connection, joined)) break;
      } catch (error) {
        if (isCode(error, "run-over")) {
          // During a requested stop the last checkpoint is not written yet, so the run may still fail.
          if (!String(error).includes("stopping")) this.#context.onRunOver();
          break;
        }
        if (remedyOf(error) === "none") this.#context.violation(`a worker was refused: ${error}`);
      }
    }
    this.#scope.kill();
  }

  /** Kills the process. @param silently the coordinator's connection does not break */
  crash(silently: boolean): void {
    this.#scope.kill();
    if (!silently) this.#connection?.break();
  }

  /** Attends one session. Returns true when the run is over. */
  async #attend(connection: Connection, joined: JoinResponse): Promise<boolean> {
    let isOver = false;
    const session = connection.attend(({ instruction }: Instruction) => {
      if (instruction?.$case === "lease") void this.#serve(instruction.value, { connection, joined, session });
      if (instruction?.$case !== "finish" || instruction.value.mayGoOn) return;
      isOver = true;
      this.#context.onRunOver();
    });
    session.send({ report: { $case: "opened", value: { sessionId: joined.sessionId } } });
    let sequence = 0;
    const stop = this.#scope.every(joined.heartbeatIntervalMs, () => {
      const value = { sequence: ++sequence, residentBytes: 1, eventLoopDelayMs: 1, gpus: [] };
      if (!this.#isStalled) session.send({ report: { $case: "heartbeat", value } });
    });
    await session.ended;
    stop();
    await this.#stalledUntil;
    return isOver;
  }

  async #serve(lease: Lease, of: SessionOf): Promise<void> {
    const { draws, countFault } = this.#context;
    const fault = draws.chance(this.#context.faultProbability()) ? draws.pick(leaseFaults) : null;
    if (fault !== null) countFault(fault);
    try {
      switch (fault) {
        case "gives the lease up":
          of.session.send({
            report: { $case: "leaseFailed", value: { leaseId: lease.leaseId, reason: "unreadable" } },
          });
          return;
        case "hangs":
          this.#scope.after(3000 + draws.below(3000), () => this.crash(false));
          return;
        case "crashes":
        case "crashes silently":
          this.#scope.after(draws.below(200), () => this.crash(fault === "crashes silently"));
          break;
        case "stalls":
          this.#stall(500 + draws.below(5000));
          break;
        case "leaves":
          of.session.send({ report: { $case: "draining", value: { reason: "asked to" } } });
          break;
        case "second stream of its session":
          await this.#attendTwice(of);
          break;
      }
      if (draws.chance(0.5)) await this.#stalledUntil;
      const weights = await this.#fetch(lease, of);
      await this.#scope.sleep(lease.count * (10 + draws.below(draws.chance(0.02) ? 3000 : 60)));
      await this.#stalledUntil;
      const requests = madeUpSum(this.#context.tiny, lease, { weights, sessionId: of.joined.sessionId });
      await this.#upload(requests, fault, of.connection);
      this.#earlier = requests;
      if (fault === "leaves") of.session.close();
    } catch (error) {
      // The coordinator refuses calls for a lease that it revoked, for a committed step, and of a session that ended.
      const expected = ["stale-lease", "stale-generation", "unknown-session", "bad-chunk"] as const;
      if (expected.some((code) => isCode(error, code)) || remedyOf(error) === "retry") return;
      this.#context.violation(`lease ${lease.leaseId}: ${error}`);
    }
  }

  async #fetch(lease: Lease, { connection, joined }: SessionOf): Promise<Float32Array> {
    const { coordinatorGeneration, step, weightsDigest } = lease;
    const request: FetchWeightsRequest = { sessionId: joined.sessionId, coordinatorGeneration, step, weightsDigest };
    const weights = await connection.fetchWeights(request, this.#context.tiny.layout);
    const digest = xxh3Digest(float32Bytes(weights));
    if (digest !== weightsDigest) this.#context.violation(`the weights of step ${step} have digest ${digest}`);
    return weights;
  }

  async #upload(requests: SubmitSumRequest[], fault: string | null, connection: Connection): Promise<void> {
    const { draws } = this.#context;
    switch (fault) {
      case "upload cut off":
      case "upload cut off for good":
        await connection.submit(requests, { cutAfter: 1 }).catch(() => {});
        if (fault === "upload cut off for good") return;
        await this.#scope.sleep(draws.below(4000));
        break;
      case "upload twice at once":
        await Promise.all([connection.submit(requests), connection.submit(requests)]);
        return;
      case "upload for another generation":
        await this.#mustBeRefused(connection, changeHeader(requests, -1), "stale-generation");
        break;
      case "upload of an earlier lease":
        if (this.#earlier !== null) await this.#mustNotCount(connection, this.#earlier);
        break;
      case "upload damaged":
        await this.#mustNotCount(connection, damage(requests));
        break;
    }
    await connection.submit(requests);
  }

  async #mustBeRefused(connection: Connection, requests: SubmitSumRequest[], code: WireError["code"]): Promise<void> {
    const error = await connection.submit(requests).then(
      () => null,
      (refusal: unknown) => refusal,
    );
    if (error === null || !(isCode(error, code) || remedyOf(error) === "retry")) {
      this.#context.violation(`a sum that must be refused with ${code} was answered with ${error ?? "yes"}`);
    }
  }

  /** A validation sum has no chunk to damage, so it is accepted. */
  async #mustNotCount(connection: Connection, requests: readonly SubmitSumRequest[]): Promise<void> {
    const isWhole = requests.length === 1 && requests !== this.#earlier;
    const accepted = await connection.submit(requests).then(
      (answer) => answer.accepted,
      () => false,
    );
    if (accepted && !isWhole) this.#context.violation("a sum that must not count was accepted");
  }

  async #attendTwice({ connection, joined }: SessionOf): Promise<void> {
    const second = connection.attend(() => this.#context.violation("a second stream received an instruction"));
    second.send({ report: { $case: "opened", value: { sessionId: joined.sessionId } } });
    const error = await second.ended;
    if (!isCode(error, "unknown-session") && remedyOf(error) !== "retry") {
      this.#context.violation(`a second stream of a session was answered with ${error}`);
    }
  }

  #stall(ms: number): void {
    this.#isStalled = true;
    this.#stalledUntil = this.#scope.sleep(ms).then(() => {
      this.#isStalled = false;
    });
  }
}

interface SessionOf {
  readonly connection: Connection;
  readonly joined: JoinResponse;
  readonly session: ReturnType<Connection["attend"]>;
}

function isCode(error: unknown, code: WireError["code"]): boolean {
  const known = fromServiceError(error);
  return known instanceof WireError && known.code === code;
}

function changeHeader([head, ...chunks]: SubmitSumRequest[], by: number): SubmitSumRequest[] {
  if (head?.part?.$case !== "header") throw new Error("an upload begins with its header");
  const coordinatorGeneration = head.part.value.coordinatorGeneration + by;
  return [{ part: { $case: "header", value: { ...head.part.value, coordinatorGeneration } } }, ...chunks];
}

function damage(requests: SubmitSumRequest[]): SubmitSumRequest[] {
  return requests.map((request) => {
    if (request.part?.$case !== "chunk") return request;
    const data = Buffer.from(request.part.value.data);
    data[0] = (data[0] ?? 0) ^ 1;
    return { part: { $case: "chunk", value: { ...request.part.value, data } } };
  });
}
