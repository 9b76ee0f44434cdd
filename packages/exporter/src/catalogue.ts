// Lists every metric in `catalogue`: name, type, unit, labels, help. The exporter serves these and no others, and rules, dashboards and
// docs name no others.
//
// Counters count since the coordinator's present life began, and continue over a restart of the exporter: the coordinator
// keeps the totals. A new life starts them from 0, as Prometheus expects after a restart, so that `rate` and `increase` are right
// across it. (If totals went back to a checkpoint's, Prometheus would take that for a reset and count twice.) Histograms count the
// events that this exporter has received.

/** Prometheus' base units; null: a plain number. A metric's name ends with its unit. */
export type Unit = "seconds" | "bytes" | "ratio" | null;

/**
 * Every label and the values that it takes, so that the number of series stays small.
 *
 * worker   the worker's slot, from 0
 * gpu      the GPU's index on the worker's machine, from 0
 * phase    see phases
 * part     see parts
 * pass     see passes
 * metric   a metric of the recipe, by its name there: loss, genderAccuracy, ...
 * state    see states
 * outcome  see outcomes
 * run, recipe, backend   of run_info alone
 */
export type Label =
  | "worker"
  | "gpu"
  | "phase"
  | "part"
  | "pass"
  | "metric"
  | "state"
  | "outcome"
  | "run"
  | "recipe"
  | "backend";

/**
 * How a worker's time is spent in one step. load happens ahead, in parallel to the computation. forward, backward and sum are means
 * over the worker's compute threads. upload lasts from the first byte of a sum to the last, measured by the coordinator. wait is the
 * time without a lease while others compute. commit is the coordinator's: optimizer and bookkeeping.
 */
export const phases = ["fetch_weights", "load", "forward", "backward", "sum", "upload", "wait", "commit"] as const;
/** What a number was computed over: the last training step, the training steps of the last epoch, its validation. */
export const parts = ["train_step", "train_epoch", "validation"] as const;
/** What a worker's micro-batches were for: steps, validations. */
export const passes = ["train", "validate"] as const;
/** Exactly one of these is 1 while the exporter is subscribed to the coordinator. */
export const states = ["waiting", "training", "validating", "stopping", "finished"] as const;
/** All 0 while the run goes on; then one is 1, until a new life of the coordinator begins. */
export const outcomes = ["completed", "stopped", "failed"] as const;

export interface MetricDescription {
  readonly type: "counter" | "gauge" | "histogram";
  readonly unit: Unit;
  readonly help: string;
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
  /**
   * What is shown while the exporter is not subscribed. kept: the value is still true (a total, the time of the last checkpoint).
   * removed: the value would seem to be current (a rate, a worker's memory).
   */
  readonly whenDown: "kept" | "removed";
}

const stepBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const phaseBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const catalogue = {
  // The exporter and the run.
  lockstep_up: gauge(null, "1 while the exporter is subscribed to the coordinator's events, else 0", [], "kept"),
  lockstep_exporter_subscriptions_total: counter(
    null,
    "Event streams that the exporter has opened to a coordinator since it started",
  ),
  lockstep_run_info: gauge(
    null,
    "Always 1. run: the first 12 hex digits of the run spec's SHA-256; recipe; backend: torch, tensorflow or cpu, empty until a worker has joined",
    ["run", "recipe", "backend"],
    "kept",
  ),
  lockstep_run_state: gauge(null, "1 for the state that the run is in, 0 for the others", ["state"]),
  lockstep_run_outcome: gauge(
    null,
    "1 for how the coordinator's life ended, 0 for the others and while it goes on",
    ["outcome"],
    "kept",
  ),
  lockstep_life_started_timestamp_seconds: gauge(
    "seconds",
    "Unix time at which the coordinator's present life began",
    [],
    "kept",
  ),
  lockstep_step: gauge(null, "Optimizer updates behind the weights, those of earlier lives included", [], "kept"),
  lockstep_planned_steps: gauge(null, "Optimizer updates of the whole run", [], "kept"),
  lockstep_epoch: gauge(null, "The epoch under way, from 0", [], "kept"),
  lockstep_planned_epochs: gauge(null, "Epochs of the whole run", [], "kept"),
  lockstep_last_step_timestamp_seconds: gauge(
    "seconds",
    "Unix time of the last optimizer update; of the life's beginning before the first",
    [],
    "kept",
  ),

  // Counters.
  lockstep_steps_total: counter(null, "Optimizer updates made"),
  lockstep_samples_total: counter(null, "Training samples in those updates"),
  lockstep_received_bytes_total: counter(
    "bytes",
    "Bytes of tensors in the sums that workers uploaded for those updates; sums of validations carry none",
  ),
  lockstep_sent_bytes_total: counter(
    "bytes",
    "Bytes of weights that were sent to workers in those updates and in validations",
  ),
  lockstep_leases_lost_total: counter(null, "Leases that were held by workers when these were lost"),
  lockstep_leases_redone_total: counter(null, "Leases that were handed out once more: lost, failed or late ones"),
  lockstep_workers_lost_total: counter(null, "Workers lost: gone without having said goodbye"),
  lockstep_coordinator_generation_changes_total: counter(
    null,
    "Restarts of the run's coordinator, resumes included: its lives less one. Never starts from 0 again",
  ),
  lockstep_worker_generation_changes_total: counter(
    null,
    "New worker processes that took this slot after the first in it",
    ["worker"],
  ),
  lockstep_nonfinite_total: counter(
    null,
    "Sums or gradient norms that held a NaN or an infinity; the first ends the life",
  ),
  lockstep_checkpoints_written_total: counter(null, "Checkpoints made durable"),

  // What the model learns.
  lockstep_loss: gauge(null, "The loss of the recipe; NaN where it is not a number", ["part"]),
  lockstep_metric: gauge(null, "A metric of the recipe by its name there, the loss included", ["part", "metric"]),
  lockstep_learning_rate: gauge(null, "Learning rate of the last step"),
  lockstep_gradient_norm: gauge(null, "Global L2 norm of the last step's gradient, before clipping"),

  // Time.
  lockstep_step_duration_seconds: histogram(
    "seconds",
    "From a step's first lease granted to the weights updated",
    [],
    stepBuckets,
  ),
  lockstep_step_phase_duration_seconds: histogram(
    "seconds",
    "Time in a phase of a step: an observation for each step and worker that computed a part of it; of wait for each worker; of commit for each step",
    ["phase"],
    phaseBuckets,
  ),
  lockstep_validation_duration_seconds: gauge("seconds", "Of the last validation pass"),
  lockstep_images_per_second: gauge(null, "Samples of the last step over its duration"),
  lockstep_productive_seconds_total: counter(
    "seconds",
    "Of each step and validation: the time of its busiest worker with the leases that were accepted, and the commit",
  ),
  lockstep_goodput_ratio: gauge(
    "ratio",
    "Of the whole run: productive seconds behind its present position, over the time since it began without the gaps after lives that ended in order",
  ),

  // Workers.
  lockstep_workers_connected: gauge(null, "Workers that take part now"),
  lockstep_worker_connected: gauge(
    null,
    "1 while a worker is in the slot, 0 after it was lost; no series after it left in order",
    ["worker"],
  ),
  lockstep_worker_compute_threads: gauge(null, "Compute threads of the worker", ["worker"]),
  lockstep_worker_images_per_second: gauge(null, "Measured over the worker's last leases", ["worker"]),
  lockstep_worker_barrier_seconds: gauge(
    "seconds",
    "Time before the barrier in the last step: from its first lease granted to the worker's last sum received",
    ["worker"],
  ),
  lockstep_worker_micro_batches_total: counter(
    null,
    "Micro-batches in the updates made (pass train) and in validations that are over (pass validate)",
    ["worker", "pass"],
  ),
  lockstep_worker_phase_seconds_total: counter(
    "seconds",
    "Time of the workers in this slot in a phase, over training steps; any phase but commit",
    ["worker", "phase"],
  ),
  lockstep_worker_resident_memory_bytes: gauge("bytes", "Resident memory of the worker process", ["worker"]),
  lockstep_worker_event_loop_delay_seconds: gauge(
    "seconds",
    "Longest delay of the worker's event loop over about the last 30 s",
    ["worker"],
  ),
  lockstep_worker_gpu_utilization_ratio: gauge(
    "ratio",
    "Share of the last sample period in which the GPU computed; no series without a GPU",
    ["worker", "gpu"],
  ),
  lockstep_worker_gpu_memory_used_bytes: gauge("bytes", "Memory in use on the GPU, by anybody", ["worker", "gpu"]),
  lockstep_worker_gpu_memory_size_bytes: gauge("bytes", "Memory that the GPU has", ["worker", "gpu"]),

  // Checkpoints.
  lockstep_checkpoint_last_success_timestamp_seconds: gauge(
    "seconds",
    "Unix time at which the newest checkpoint was durable",
    [],
    "kept",
  ),
  lockstep_checkpoint_step: gauge(null, "Step of the newest durable checkpoint", [], "kept"),
  lockstep_checkpoint_size_bytes: gauge("bytes", "Size of the newest durable checkpoint", [], "kept"),
  lockstep_checkpoint_duration_seconds: gauge("seconds", "How long writing it took", [], "kept"),

  // The coordinator's process.
  lockstep_coordinator_resident_memory_bytes: gauge("bytes", "Resident memory of the coordinator process"),
  lockstep_coordinator_event_loop_delay_seconds: gauge(
    "seconds",
    "Longest delay of the coordinator's event loop over about the last 30 s",
  ),
} as const satisfies Readonly<Record<string, MetricDescription>>;

export type MetricName = keyof typeof catalogue;

/** A counter is kept while the exporter is not subscribed, except those of one worker. */
function counter<const Labels extends readonly Label[] = readonly []>(
  unit: Unit,
  help: string,
  labels: Labels = [] as unknown as Labels, // the default of Labels is the empty tuple
) {
  const whenDown = labels.length === 0 ? "kept" : "removed";
  return { type: "counter", unit, help, labels, whenDown } as const satisfies MetricDescription;
}

function gauge<const Labels extends readonly Label[] = readonly []>(
  unit: Unit,
  help: string,
  labels: Labels = [] as unknown as Labels, // as above
  whenDown: "kept" | "removed" = "removed",
) {
  return { type: "gauge", unit, help, labels, whenDown } as const satisfies MetricDescription;
}

function histogram<const Labels extends readonly Label[]>(
  unit: Unit,
  help: string,
  labels: Labels,
  buckets: readonly number[],
) {
  return { type: "histogram", unit, help, labels, buckets, whenDown: "kept" } as const satisfies MetricDescription;
}
