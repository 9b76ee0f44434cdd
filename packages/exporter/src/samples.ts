// Computes with `samplesOf` the numbers that follow from what is known of a run: a sample for each series of the catalogue that has a
// value. Pure.
import type { Event, StepCommitted, WorkerPhase, WorkerStatus, WorkerTotals } from "@lockstep/protocol";
import { catalogue, type Label, type MetricName, outcomes, type parts, type phases, states } from "./catalogue.js";
import type { LifeView, RunView } from "./run-view.js";

export interface Sample {
  readonly name: MetricName;
  readonly labels: Readonly<Partial<Record<Label, string>>>;
  readonly value: number;
}

type Phase = (typeof phases)[number];

/** Counters and gauges. observationsOf is for histograms. */
export function samplesOf(view: RunView): Sample[] {
  const { isSeen, subscriptions, life } = view;
  const samples = [
    sample("lockstep_up", isSeen ? 1 : 0),
    sample("lockstep_exporter_subscriptions_total", subscriptions),
    ...(life === null ? [] : lifeSamples(life)),
  ];
  return isSeen ? samples : samples.filter(({ name }) => catalogue[name].whenDown === "kept");
}

/** What a step adds to the histograms. */
export function observationsOf({ event }: Event): Sample[] {
  if (event?.$case !== "stepCommitted") return [];
  const { stepSeconds, commitSeconds, phases: workers } = event.value;
  const phase = "lockstep_step_phase_duration_seconds";
  return [
    sample("lockstep_step_duration_seconds", stepSeconds),
    ...workers.flatMap((worker) =>
      secondsByPhase(meanOverThreads(worker))
        .filter(([name]) => name === "wait" || hadPart(worker))
        .map(([name, value]) => sample(phase, value, { phase: name })),
    ),
    sample(phase, commitSeconds, { phase: "commit" }),
  ];
}

function lifeSamples(life: LifeView): Sample[] {
  const { run, backend, generation, step, plannedSteps, outcome, status } = life;
  const lastStepMs = life.lastStep?.atMs ?? life.beganAtMs;
  return [
    sample("lockstep_run_info", 1, { run: run.specSha256.slice(0, 12), recipe: run.recipe, backend }),
    ...(status === null
      ? []
      : states.map((state) => sample("lockstep_run_state", status.state === state ? 1 : 0, { state }))),
    ...outcomes.map((name) => sample("lockstep_run_outcome", name === outcome ? 1 : 0, { outcome: name })),
    sample("lockstep_life_started_timestamp_seconds", life.beganAtMs / 1000),
    sample("lockstep_step", step),
    sample("lockstep_planned_steps", plannedSteps),
    sample("lockstep_planned_epochs", run.epochs),
    sample("lockstep_last_step_timestamp_seconds", lastStepMs / 1000),
    sample("lockstep_coordinator_generation_changes_total", generation - 1),
    ...(status === null ? [] : statusSamples(status)),
    ...stepSamples(life),
    ...validationSamples(life),
    ...checkpointSamples(life),
    ...(status?.workers ?? []).flatMap((worker) => workerSamples(worker, life.lastStep?.value ?? null)),
  ];
}

function statusSamples({ epoch, totals, goodput, coordinator, workers }: NonNullable<LifeView["status"]>): Sample[] {
  return [
    sample("lockstep_epoch", epoch),
    sample("lockstep_goodput_ratio", goodput),
    sample("lockstep_workers_connected", workers.filter(({ connected }) => connected).length),
    ...(totals === undefined
      ? []
      : [
          sample("lockstep_steps_total", totals.steps),
          sample("lockstep_samples_total", totals.samples),
          sample("lockstep_received_bytes_total", totals.bytesReceived),
          sample("lockstep_sent_bytes_total", totals.bytesSent),
          sample("lockstep_leases_lost_total", totals.leasesLost),
          sample("lockstep_leases_redone_total", totals.leasesRedone),
          sample("lockstep_workers_lost_total", totals.workersLost),
          sample("lockstep_nonfinite_total", totals.notFinite),
          sample("lockstep_checkpoints_written_total", totals.checkpoints),
          sample("lockstep_productive_seconds_total", totals.productiveSeconds),
        ]),
    ...(coordinator === undefined
      ? []
      : [
          sample("lockstep_coordinator_resident_memory_bytes", coordinator.residentBytes),
          sample("lockstep_coordinator_event_loop_delay_seconds", coordinator.eventLoopDelaySeconds),
        ]),
  ];
}

function stepSamples({ lastStep }: LifeView): Sample[] {
  if (lastStep === null) return [];
  const { learningRate, gradientNorm, numSamples, stepSeconds, metrics } = lastStep.value;
  return [
    sample("lockstep_learning_rate", learningRate),
    sample("lockstep_gradient_norm", gradientNorm),
    ...(stepSeconds > 0 ? [sample("lockstep_images_per_second", numSamples / stepSeconds)] : []),
    ...metricSamples(metrics, "train_step"),
  ];
}

function validationSamples({ lastValidation }: LifeView): Sample[] {
  if (lastValidation === null) return [];
  const { metrics, trainingMetrics, seconds } = lastValidation.value;
  return [
    ...metricSamples(trainingMetrics, "train_epoch"),
    ...metricSamples(metrics, "validation"),
    // Of a validation in an earlier life only the metrics are known.
    ...(seconds > 0 ? [sample("lockstep_validation_duration_seconds", seconds)] : []),
  ];
}

function metricSamples(metrics: Readonly<Record<string, number>>, part: (typeof parts)[number]): Sample[] {
  return Object.entries(metrics).flatMap(([metric, value]) => [
    ...(metric === "loss" ? [sample("lockstep_loss", value, { part })] : []),
    sample("lockstep_metric", value, { part, metric }),
  ]);
}

function checkpointSamples({ lastCheckpoint }: LifeView): Sample[] {
  if (lastCheckpoint === null) return [];
  const { step, sizeBytes, seconds } = lastCheckpoint.value;
  return [
    sample("lockstep_checkpoint_last_success_timestamp_seconds", lastCheckpoint.atMs / 1000),
    sample("lockstep_checkpoint_step", step),
    sample("lockstep_checkpoint_size_bytes", sizeBytes),
    // The duration is unknown for a checkpoint that an earlier generation wrote.
    ...(seconds > 0 ? [sample("lockstep_checkpoint_duration_seconds", seconds)] : []),
  ];
}

function workerSamples(status: WorkerStatus, lastStep: StepCommitted | null): Sample[] {
  const { slot, connected, left, computeThreads, samplesPerSecond, generation, totals, vitals, gpus } = status;
  const worker = String(slot);
  if (!connected) return left ? [] : [sample("lockstep_worker_connected", 0, { worker })];
  const own = lastStep?.phases.find((phase) => phase.slot === slot && hadPart(phase));
  return [
    sample("lockstep_worker_connected", 1, { worker }),
    sample("lockstep_worker_compute_threads", computeThreads, { worker }),
    sample("lockstep_worker_generation_changes_total", generation - 1, { worker }),
    ...(samplesPerSecond > 0 ? [sample("lockstep_worker_images_per_second", samplesPerSecond, { worker })] : []),
    ...(own === undefined ? [] : [sample("lockstep_worker_barrier_seconds", own.barrierSeconds, { worker })]),
    ...(totals === undefined ? [] : workerTotalSamples(totals, worker)),
    ...(vitals === undefined
      ? []
      : [
          sample("lockstep_worker_resident_memory_bytes", vitals.residentBytes, { worker }),
          sample("lockstep_worker_event_loop_delay_seconds", vitals.eventLoopDelaySeconds, { worker }),
        ]),
    ...gpus.flatMap(({ index, utilization, memoryUsedBytes, memoryTotalBytes }) => {
      const labels = { worker, gpu: String(index) };
      return [
        ...(utilization === undefined ? [] : [sample("lockstep_worker_gpu_utilization_ratio", utilization, labels)]),
        sample("lockstep_worker_gpu_memory_used_bytes", memoryUsedBytes, labels),
        sample("lockstep_worker_gpu_memory_size_bytes", memoryTotalBytes, labels),
      ];
    }),
  ];
}

function workerTotalSamples(totals: WorkerTotals, worker: string): Sample[] {
  const microBatches = "lockstep_worker_micro_batches_total";
  return [
    sample(microBatches, totals.trainMicroBatches, { worker, pass: "train" }),
    sample(microBatches, totals.validateMicroBatches, { worker, pass: "validate" }),
    ...secondsByPhase(totals).map(([phase, value]) =>
      sample("lockstep_worker_phase_seconds_total", value, { worker, phase }),
    ),
  ];
}

type PhaseSeconds = Omit<WorkerTotals, "trainMicroBatches" | "validateMicroBatches">;

/** The phases of a worker: all but the coordinator's. */
function secondsByPhase(seconds: PhaseSeconds): [Phase, number][] {
  return [
    ["fetch_weights", seconds.fetchWeightsSeconds],
    ["load", seconds.loadSeconds],
    ["forward", seconds.forwardSeconds],
    ["backward", seconds.backwardSeconds],
    ["sum", seconds.sumSeconds],
    ["upload", seconds.uploadSeconds],
    ["wait", seconds.waitSeconds],
  ];
}

/** Whether the worker computed anything in the step, or only waited. */
function hadPart({ microBatches }: WorkerPhase): boolean {
  return microBatches > 0;
}

function meanOverThreads(phase: WorkerPhase): PhaseSeconds {
  const { computeThreads, forwardSeconds, backwardSeconds, sumSeconds } = phase;
  const threads = Math.max(1, computeThreads);
  return {
    ...phase,
    forwardSeconds: forwardSeconds / threads,
    backwardSeconds: backwardSeconds / threads,
    sumSeconds: sumSeconds / threads,
  };
}

function sample(name: MetricName, value: number, labels: Sample["labels"] = {}): Sample {
  return { name, labels, value };
}
