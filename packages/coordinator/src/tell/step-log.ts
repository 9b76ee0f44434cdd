// Records each commit and validation: `StepLog` writes the lines of metrics.jsonl and ledger.jsonl, publishes the
// events, and keeps the times for the summary's medians.
import { describeError } from "@lockstep/errors";
import type { PhaseMedians, WorkerPhase } from "@lockstep/protocol";
import type { Journal } from "../keep/run-folder.js";
import type { PassSums } from "../reduce/pass-sums.js";
import type { EventHub } from "./event-hub.js";
import { median, warmSteps } from "./median.js";
import { type AttendingWorker, passTimes } from "./worker-phases.js";

export interface CommitReport {
  /** Number of updates so far, including this one. */
  readonly step: number;
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly stepSeconds: number;
  readonly commitSeconds: number;
  /** On the clock of the contributors. */
  readonly firstLeaseAtMs: number;
  readonly attendingWorkers: readonly AttendingWorker[];
  /** XXH3-128 (hex) of the weights after the commit. */
  readonly weightsDigest: string;
}

export interface ValidationReport {
  readonly epoch: number;
  readonly step: number;
  /** Empty for a run without validation samples. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly trainingMetrics: Readonly<Record<string, number>>;
  readonly seconds: number;
}

interface StepTimes {
  readonly numSamples: number;
  readonly step: number;
  readonly commit: number;
  readonly fetchWeights: number;
  readonly load: number;
  readonly compute: number;
  readonly sum: number;
}

export class StepLog {
  readonly #generation: number;
  readonly #journals: { readonly metrics: Journal; readonly ledger: Journal };
  readonly #events: EventHub;
  readonly #unixMs: () => number;
  readonly #times: StepTimes[] = [];

  constructor(options: {
    readonly generation: number;
    readonly metrics: Journal;
    readonly ledger: Journal;
    readonly events: EventHub;
    readonly unixMs: () => number;
  }) {
    this.#generation = options.generation;
    this.#journals = { metrics: options.metrics, ledger: options.ledger };
    this.#events = options.events;
    this.#unixMs = options.unixMs;
  }

  committed(report: CommitReport, sums: PassSums): void {
    const { step, epoch, weightsDigest } = report;
    const { numSamples, contributors, bytesReceived, bytesSent } = sums;
    const { phases, busiestSeconds } = passTimes(contributors, report);
    const head = { generation: this.#generation, step, epoch, timeMs: Math.round(this.#unixMs()) };
    const { metrics, learningRate, gradientNorm, stepSeconds, commitSeconds } = report;
    this.#append("metrics", {
      type: "step",
      ...head,
      numSamples,
      metrics,
      learningRate,
      gradientNorm,
      stepSeconds,
      commitSeconds,
      bytesReceived,
      bytesSent,
      phases,
    });
    this.#append("ledger", {
      type: "step",
      ...head,
      numSamples,
      weightsDigest,
      leases: [...contributors]
        .sort((a, b) => a.node.first - b.node.first)
        .map(({ slot, generation, node, proofs }) => ({
          slot,
          generation,
          firstMicroBatch: node.first,
          count: node.count,
          digests: proofs.map(({ digest }) => digest),
        })),
    });
    this.#events.publish({
      $case: "stepCommitted",
      value: {
        epoch,
        step,
        numSamples,
        metrics: { ...metrics },
        learningRate,
        gradientNorm,
        stepSeconds,
        phases,
        commitSeconds,
        bytesReceived,
        bytesSent,
        productiveSeconds: busiestSeconds + commitSeconds,
      },
    });
    const slowest = (phase: (of: WorkerPhase) => number): number => Math.max(0, ...phases.map(phase));
    this.#times.push({
      numSamples,
      step: stepSeconds,
      commit: commitSeconds,
      fetchWeights: slowest((of) => of.fetchWeightsSeconds),
      load: slowest((of) => of.loadSeconds),
      compute: slowest((of) => of.computeSeconds),
      sum: slowest((of) => of.sumSeconds),
    });
  }

  /** @param sums of the validation, or null when the run has no validation samples */
  validated(report: ValidationReport, sums: PassSums | null): void {
    const { epoch, step, metrics, trainingMetrics, seconds } = report;
    const numSamples = sums?.numSamples ?? 0;
    const timeMs = Math.round(this.#unixMs());
    const record = { epoch, step, numSamples, metrics, trainingMetrics, seconds };
    this.#append("metrics", { type: "validation", generation: this.#generation, timeMs, ...record });
    const { phases, busiestSeconds } = passTimes(sums?.contributors ?? []);
    this.#events.publish({
      $case: "epochValidated",
      value: {
        ...record,
        metrics: { ...metrics },
        trainingMetrics: { ...trainingMetrics },
        phases,
        bytesReceived: sums?.bytesReceived ?? 0,
        bytesSent: sums?.bytesSent ?? 0,
        productiveSeconds: busiestSeconds,
      },
    });
  }

  /** Medians over the committed steps without the first 10. */
  medians(): PhaseMedians {
    const warm = warmSteps(this.#times);
    const of = (phase: keyof PhaseMedians): number | null => median(warm.map((times) => times[phase]));
    return {
      step: of("step"),
      commit: of("commit"),
      fetchWeights: of("fetchWeights"),
      load: of("load"),
      compute: of("compute"),
      sum: of("sum"),
    };
  }

  /** Median of samples per second over the committed steps without the first 10. */
  imagesPerSecond(): number | null {
    return median(warmSteps(this.#times).map(({ numSamples, step }) => numSamples / step));
  }

  /** Resolves when the lines of every step and validation so far are on the disk. */
  async sync(): Promise<void> {
    await Promise.all([this.#journals.metrics.sync(), this.#journals.ledger.sync()]);
  }

  close(): void {
    this.#journals.metrics.close();
    this.#journals.ledger.close();
  }

  #append(name: "metrics" | "ledger", record: object): void {
    try {
      this.#journals[name].append(record);
    } catch (error) {
      throw new Error(`cannot write ${name}.jsonl: ${describeError(error)}; repair the disk and resume`, {
        cause: error,
      });
    }
  }
}
