// workerRows are the rows about workers, their faults, and the resources that the processes use.
import { timeSeries } from "./panels.js";
import type { Row } from "./row.js";

/** Selects the run of the dashboard's variable. */
const run = 'instance="$instance"';

const workers: Row = {
  title: "Workers",
  panels: [
    timeSeries({
      title: "Time before the barrier",
      description:
        "From a step's first lease until the coordinator has received the worker's last sum. A step is as long as its slowest worker: a worker that is always above the others delays them.",
      unit: "s",
      width: 8,
      min: 0,
      queries: [{ expr: `lockstep_worker_barrier_seconds{${run}}`, legend: "worker {{worker}}" }],
    }),
    timeSeries({
      title: "Time of a micro-batch",
      description:
        "Forward and backward of one micro-batch of training, on one compute thread. An alert fires for a worker that takes more than 1.5 times the median for ten minutes.",
      unit: "s",
      width: 8,
      min: 0,
      reference: "median",
      queries: [
        { expr: `worker:lockstep_micro_batch_compute_seconds:rate5m{${run}}`, legend: "worker {{worker}}" },
        { expr: `instance:lockstep_micro_batch_compute_seconds:median{${run}}`, legend: "median" },
      ],
    }),
    timeSeries({
      title: "Images per second, by worker",
      description: "Measured for each worker over its last leases, including those of validations.",
      unit: "none",
      width: 8,
      min: 0,
      stacked: true,
      queries: [{ expr: `lockstep_worker_images_per_second{${run}}`, legend: "worker {{worker}}" }],
    }),
    timeSeries({
      title: "Use of the workers' time",
      description:
        "Share of time in which each worker computes, transfers and adds tensors, or waits for other workers.",
      unit: "percentunit",
      width: 12,
      min: 0,
      queries: [
        {
          expr: `sum by (worker) (rate(lockstep_worker_phase_seconds_total{${run}, phase=~"forward|backward"}[$__rate_interval]))`,
          legend: "worker {{worker}} computes",
        },
        {
          expr: `sum by (worker) (rate(lockstep_worker_phase_seconds_total{${run}, phase=~"fetch_weights|sum|upload"}[$__rate_interval]))`,
          legend: "worker {{worker}} transfers and adds",
        },
        {
          expr: `sum by (worker) (rate(lockstep_worker_phase_seconds_total{${run}, phase="wait"}[$__rate_interval]))`,
          legend: "worker {{worker}} waits",
        },
      ],
    }),
    timeSeries({
      title: "Micro-batches per second, by worker",
      description:
        "Micro-batches whose sums were accepted, each counted once, including those of validations. Faster workers get more.",
      unit: "none",
      width: 12,
      min: 0,
      stacked: true,
      queries: [
        {
          expr: `sum by (worker) (rate(lockstep_worker_micro_batches_total{${run}}[$__rate_interval]))`,
          legend: "worker {{worker}}",
        },
      ],
    }),
  ],
};

const faults: Row = {
  title: "Faults",
  panels: [
    timeSeries({
      title: "Leases lost and redone",
      description:
        "In the last five minutes. `lost`: leases of lost workers. `redone`: leases that were granted again because they failed or were late. The result is the same, but the work was done twice.",
      unit: "none",
      width: 8,
      min: 0,
      queries: [
        { expr: `increase(lockstep_leases_lost_total{${run}}[5m])`, legend: "lost" },
        { expr: `increase(lockstep_leases_redone_total{${run}}[5m])`, legend: "redone" },
      ],
    }),
    timeSeries({
      title: "Restarts",
      description:
        "Restarts of the coordinator, resumes included, and of each worker since the coordinator's last start.",
      unit: "none",
      width: 8,
      min: 0,
      queries: [
        { expr: `lockstep_coordinator_generation_changes_total{${run}}`, legend: "coordinator" },
        { expr: `lockstep_worker_generation_changes_total{${run}}`, legend: "worker {{worker}}" },
      ],
    }),
    timeSeries({
      title: "Workers connected and lost",
      description:
        "Number of connected workers, and of workers lost in the last five minutes. Workers that were stopped are not lost.",
      unit: "none",
      width: 8,
      min: 0,
      queries: [
        { expr: `lockstep_workers_connected{${run}}`, legend: "connected" },
        { expr: `increase(lockstep_workers_lost_total{${run}}[5m])`, legend: "lost" },
      ],
    }),
  ],
};

const processes: Row = {
  title: "Network and processes",
  panels: [
    timeSeries({
      title: "Network",
      description:
        "Bytes of tensors that the coordinator sends and receives: weights to the workers, sums of gradients from them.",
      unit: "binBps",
      width: 8,
      min: 0,
      queries: [
        { expr: `rate(lockstep_sent_bytes_total{${run}}[$__rate_interval])`, legend: "weights sent" },
        { expr: `rate(lockstep_received_bytes_total{${run}}[$__rate_interval])`, legend: "sums received" },
      ],
    }),
    timeSeries({
      title: "Resident memory",
      description:
        "Resident memory of each process. A value that always rises will reach the limit of the machine or the container.",
      unit: "bytes",
      width: 8,
      min: 0,
      queries: [
        { expr: `lockstep_coordinator_resident_memory_bytes{${run}}`, legend: "coordinator" },
        { expr: `lockstep_worker_resident_memory_bytes{${run}}`, legend: "worker {{worker}}" },
      ],
    }),
    timeSeries({
      title: "Event-loop delay",
      description:
        "The longest delay of the last half minute, by process. An alert fires when it repeatedly exceeds a second for five minutes: heartbeats are late then.",
      unit: "s",
      width: 8,
      min: 0,
      thresholds: [
        [null, "green"],
        [1, "red"],
      ],
      queries: [
        { expr: `lockstep_coordinator_event_loop_delay_seconds{${run}}`, legend: "coordinator" },
        { expr: `lockstep_worker_event_loop_delay_seconds{${run}}`, legend: "worker {{worker}}" },
      ],
    }),
  ],
};

const gpus: Row = {
  title: "GPUs",
  collapsed: true,
  panels: [
    timeSeries({
      title: "GPU utilization",
      description:
        "Share of time in which the GPU computed. A low value together with a long `load` or `wait` means that the GPU waits for input.",
      unit: "percentunit",
      width: 12,
      min: 0,
      max: 1,
      queries: [{ expr: `lockstep_worker_gpu_utilization_ratio{${run}}`, legend: "worker {{worker}}, GPU {{gpu}}" }],
    }),
    timeSeries({
      title: "GPU memory",
      description: "Memory in use by all processes, and the size of the GPU's memory.",
      unit: "bytes",
      width: 12,
      min: 0,
      queries: [
        { expr: `lockstep_worker_gpu_memory_used_bytes{${run}}`, legend: "worker {{worker}}, GPU {{gpu}}" },
        { expr: `max(lockstep_worker_gpu_memory_size_bytes{${run}})`, legend: "size of the largest GPU" },
      ],
      reference: "size of the largest GPU",
    }),
  ],
};

export const workerRows = { workers, faults, processes, gpus };
