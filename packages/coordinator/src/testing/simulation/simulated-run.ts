// Leads one run in virtual time with faults that a seed draws: `SimulatedRun`. Coordinators are stopped and killed, the
// disk becomes full, workers join and leave. Each coordinator resumes the run in the same folder, until the run is
// complete.
import { setMaxListeners } from "node:events";
import { contentOf, encodeFiles } from "@lockstep/checkpoint";
import { RunFailed, UserError } from "@lockstep/errors";
import type { RunSummary } from "@lockstep/protocol";
import { canonicalJson } from "@lockstep/protocol";
import { createHealth } from "@lockstep/service";
import { leadRun } from "../../lead-run.js";
import { TrainingState, type Update } from "../../reduce/training-state.js";
import type { RunEnvironment } from "../../run-environment.js";
import { firstSnapshot, type TinyRun } from "../prepared-folder.js";
import { Draws } from "./draws.js";
import { Connection, Endpoint } from "./in-process-calls.js";
import { MemoryDisk } from "./memory-disk.js";
import { SimulatedWorker } from "./simulated-worker.js";
import { Scope, VirtualTime } from "./virtual-time.js";

export interface SimulationResult {
  readonly disk: MemoryDisk;
  readonly summary: RunSummary;
  readonly faults: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
}

export interface SimulationOptions {
  readonly tiny: TinyRun;
  readonly seed: number;
  /** True: there are no faults, and no checkpoint is deleted. */
  readonly undisturbed?: boolean;
}

/** After this time, or after this number of coordinators, there are no more faults, so that the run can end. */
const faultsUntilMs = 90_000;
const coordinatorsWithFaults = 8;
/** A run that takes longer than this waits for ever. */
const deadlineMs = 600_000;

const coordinatorFaults = [
  "killed",
  "stopped",
  "stopped by an observer",
  "disk full",
  "disk full for good",
  "address taken",
] as const;

export class SimulatedRun {
  readonly #tiny: TinyRun;
  readonly #isUndisturbed: boolean;
  readonly #draws: Draws;
  readonly #time = new VirtualTime();
  readonly #disk = new MemoryDisk();
  readonly #machine = new Scope(this.#time);
  readonly #faults = new Map<string, number>();
  readonly #violations: string[] = [];
  readonly #workers: SimulatedWorker[] = [];
  readonly #settings: {
    readonly checkpointEvery: number | null;
    readonly keepLast: number;
    readonly slowestCommitMs: number;
  };
  #connections: Connection[] = [];
  #endpoint: Endpoint | null = null;
  #numCoordinators = 0;
  #numInstances = 0;
  /** True when the current coordinator has answered a worker that the run is over. */
  #hasReportedEnd = false;
  #newestReported = 0;
  #highestGeneration = 0;
  #summary: RunSummary | null = null;

  constructor({ tiny, seed, undisturbed = false }: SimulationOptions) {
    this.#tiny = tiny;
    this.#isUndisturbed = undisturbed;
    const draws = new Draws(seed);
    this.#draws = draws;
    this.#settings = undisturbed
      ? { checkpointEvery: 1, keepLast: 1000, slowestCommitMs: 0 }
      : {
          checkpointEvery: draws.pick([null, 1, 2]),
          keepLast: draws.pick([1, 2, 3]),
          slowestCommitMs: draws.pick([0, 0, 30, 600]),
        };
    this.#disk.slowestMs = undisturbed ? 1 : draws.pick([10, 300, 4000]);
    const { run, layout } = tiny;
    this.#disk.files.set("run.json", canonicalJson(run));
    const first = firstSnapshot(tiny);
    const files = encodeFiles(contentOf({ ...first, layout }));
    this.#disk.store(first, { files, writtenAtMs: 0, keepLast: 1000 });
  }

  async play(): Promise<SimulationResult> {
    this.#machine.every(700, () => this.#startMissingWorkers());
    this.#startMissingWorkers();
    void this.#leadToTheEnd();
    await this.#time.runUntil(() => this.#summary !== null || this.#violations.length > 0, deadlineMs);
    const summary = this.#summary as RunSummary | null;
    if (summary === null) throw new Error(this.#violations.join("; "));
    return { disk: this.#disk, summary, faults: this.#faults, violations: this.#violations };
  }

  get #isWithoutFaults(): boolean {
    const isOver = this.#time.nowMs > faultsUntilMs || this.#numCoordinators > coordinatorsWithFaults;
    return this.#isUndisturbed || isOver;
  }

  #startMissingWorkers(): void {
    const alive = this.#workers.filter(({ isAlive }) => isAlive).length;
    if (alive >= (this.#isWithoutFaults ? 1 : 1 + this.#draws.below(3))) return;
    const worker = new SimulatedWorker(
      {
        tiny: this.#tiny,
        draws: this.#draws,
        connect: (scope) => this.#connect(scope),
        faultProbability: () => (this.#isWithoutFaults ? 0 : 0.15),
        countFault: (fault) => this.#countFault(fault),
        onRunOver: () => {
          this.#hasReportedEnd = true;
        },
        violation: (message) => this.#violations.push(message),
      },
      new Scope(this.#time),
      `instance-${++this.#numInstances}`,
    );
    this.#workers.push(worker);
    void worker.run();
  }

  #connect(worker: Scope): Connection | null {
    if (this.#endpoint === null || !this.#endpoint.isReachable) return null;
    const connection = new Connection(this.#endpoint, { worker, time: this.#time, draws: this.#draws });
    this.#connections.push(connection);
    return connection;
  }

  async #leadToTheEnd(): Promise<void> {
    try {
      while (this.#summary === null) {
        this.#numCoordinators += 1;
        const summary = await this.#lead();
        if (summary?.completed) this.#summary = summary;
        else await this.#machine.sleep(100 + this.#draws.below(3000));
        this.#disk.isFull = false;
      }
    } catch (error) {
      this.#violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  /** Runs one process of the coordinator. Null when it failed or was killed. */
  async #lead(): Promise<RunSummary | null> {
    const process = new Scope(this.#time);
    this.#hasReportedEnd = false;
    const stopper = new AbortController();
    setMaxListeners(0, stopper.signal);
    const fault = this.#isWithoutFaults || this.#draws.chance(0.1) ? null : this.#draws.pick(coordinatorFaults);
    const before = { files: new Map(this.#disk.files), newest: Math.max(...this.#disk.checkpoints.keys()) };
    if (before.newest < this.#newestReported) {
      this.#violations.push(`the checkpoint of step ${this.#newestReported} was reported, and it is lost`);
    }
    const killed = new Promise<null>((resolve) => {
      if (fault !== null) {
        this.#machine.after(this.#draws.below(3500), () =>
          this.#causeFault(fault, { process, stopper, killed: () => resolve(null) }),
        );
      }
    });
    const led = leadRun(
      {
        checkpointEvery: this.#settings.checkpointEvery,
        maxSteps: null,
        expectedWorkers: 1,
        heartbeatTimeoutMs: 2000,
        stopGraceMs: 1000,
        allowMixedNumerics: false,
        log: { info: (fields, message) => this.#logged(fields, message), warn: () => {} },
        signal: stopper.signal,
        health: createHealth(),
      },
      this.#environment(process, fault === "address taken"),
    ).catch((error: unknown) => {
      const isExpected = error instanceof RunFailed || (fault === "address taken" && error instanceof UserError);
      if (!isExpected) throw error;
      this.#countFault(`ended: ${error.message.replace(/\d+/g, "N").slice(0, 60)}`);
      return null;
    });
    const summary = (await Promise.race([led, killed]))?.summary ?? null;
    if (summary === null && process.isAlive && this.#hasReportedEnd) {
      this.#violations.push("a worker was answered that the run is over, and then the coordinator failed");
    }
    process.kill();
    this.#breakConnections();
    this.#checkEnd({ fault, before, summary });
    return summary;
  }

  #causeFault(
    fault: (typeof coordinatorFaults)[number],
    {
      process,
      stopper,
      killed,
    }: { readonly process: Scope; readonly stopper: AbortController; readonly killed: () => void },
  ): void {
    if (!process.isAlive) return;
    if (fault !== "address taken") this.#countFault(`coordinator: ${fault}`);
    switch (fault) {
      case "killed":
        process.kill();
        killed();
        return;
      case "stopped":
        stopper.abort(new Error("SIGTERM"));
        return;
      case "stopped by an observer":
        this.#connect(this.#machine)
          ?.stop("enough")
          .catch(() => {});
        return;
      case "disk full":
      case "disk full for good":
        this.#disk.isFull = true;
        if (fault === "disk full") this.#machine.after(this.#draws.below(1500), () => (this.#disk.isFull = false));
        // A coordinator with nothing to write does not fail by the full disk, so it is stopped.
        this.#machine.after(30_000, () => {
          if (process.isAlive) stopper.abort(new Error("SIGTERM"));
        });
    }
  }

  #environment(process: Scope, isAddressTaken: boolean): RunEnvironment {
    const time = this.#time;
    const { slowestCommitMs, keepLast } = this.#settings;
    const unixMs = (): number => 1_800_000_000_000 + time.nowMs;
    return {
      folder: this.#disk.folderFor(process, { draws: this.#draws, unixMs, keepLast }),
      clock: { nowMs: () => time.nowMs, unixMs },
      every: (intervalMs, work) => process.every(intervalMs, work),
      listen: async (services, isReady) => {
        await process.sleep(5);
        if (isAddressTaken) throw new UserError("cannot listen on simulated: another process listens there");
        const endpoint = new Endpoint(services, { isReady, process });
        this.#endpoint = endpoint;
        return {
          address: "simulated",
          close: async () => {
            await process.sleep(50);
            endpoint.close();
          },
        };
      },
      createTraining: (options) => new SlowTraining(options, () => process.sleep(this.#draws.below(slowestCommitMs))),
      sampleVitals: () => ({ residentBytes: 1, eventLoopDelayMs: 0 }),
    };
  }

  #logged(fields: object, message: string): void {
    if (message !== "checkpoint written" || !("step" in fields)) return;
    this.#newestReported = Math.max(this.#newestReported, Number(fields.step));
  }

  #breakConnections(): void {
    const connections = this.#connections;
    this.#connections = [];
    this.#endpoint = null;
    for (const connection of connections) connection.break();
  }

  #checkEnd({
    fault,
    before,
    summary,
  }: {
    readonly fault: string | null;
    readonly before: { readonly files: ReadonlyMap<string, string>; readonly newest: number };
    readonly summary: RunSummary | null;
  }): void {
    const generation = Number(JSON.parse(this.#disk.files.get("coordinator.json") ?? `{"generation":0}`).generation);
    if (fault === "address taken") {
      for (const name of ["coordinator.json", "summary.json"]) {
        if (this.#disk.files.get(name) !== before.files.get(name)) {
          this.#violations.push(`a coordinator that could not bind its address changed ${name}`);
        }
      }
    }
    if (generation < this.#highestGeneration) this.#violations.push(`the generation fell to ${generation}`);
    if (summary !== null && summary.coordinatorGeneration <= this.#highestGeneration) {
      this.#violations.push(`generation ${summary.coordinatorGeneration} was used twice`);
    }
    this.#highestGeneration = generation;
    if (summary !== null && !this.#disk.checkpoints.has(summary.steps)) {
      this.#violations.push(`the summary is of step ${summary.steps}, which has no checkpoint`);
    }
  }

  #countFault(fault: string): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }
}

/** A training state whose updates take virtual time. */
class SlowTraining {
  readonly #training: TrainingState;
  readonly #wait: () => Promise<void>;

  constructor(options: ConstructorParameters<typeof TrainingState>[0], wait: () => Promise<void>) {
    this.#training = new TrainingState(options);
    this.#wait = wait;
  }

  async apply(...step: Parameters<TrainingState["apply"]>): Promise<Update> {
    await this.#wait();
    const update = this.#training.apply(...step);
    await this.#wait();
    return update;
  }

  metricsOf = (sums: Float64Array) => this.#training.metricsOf(sums);
  epochMetrics = () => this.#training.epochMetrics();
  startEpoch = () => this.#training.startEpoch();
  digest = () => this.#training.digest();
  weightsSha256 = () => this.#training.weightsSha256();
  weightsBytes = () => this.#training.weightsBytes();
  copy = () => this.#training.copy();
}
