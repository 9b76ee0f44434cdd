// Owns the rows about who computes: workers, what goes wrong with them, and what the processes use of their machines.
import { timeSeries } from "./panels.js";
import type { Row } from "./row.js";

/** The run that the dashboard's variable names. */
const run = 'instance="$instance"';

const workers: Row = {
  title: "Workers",
  panels: [
    timeSeries({
      title: "Time before the barrier",
      description:
        "From a step's first lease to the worker's last sum received. A step is as long as its slowest worker: who is above the others all the time holds them up.",
      unit: "s",
      width: 8,
      min: 0,
      queries: [{ expr: `lockstep_worker_barrier_seconds{${run}}`, legend: "worker {{worker}}" }],
    }),
    timeSeries({
      title: "Time of a micro-batch",
      description:
        "Forward and backward of training, on one compute thread. An alert fires for a worker that takes 1.5 times the median for ten minutes.",
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
      description: "As each worker was measured over its last leases; validation counts too.",
      unit: "none",
      width: 8,
      min: 0,
      stacked: true,
      queries: [{ expr: `lockstep_worker_images_per_second{${run}}`, legend: "worker {{worker}}" }],
    }),
    timeSeries({
      title: "Where workers' time goes",
      description:
        "Share of time that each worker computes, moves tensors and adds them, or waits while others compute.",
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
          legend: "worker {{worker}} moves and adds",
        },
        {
          expr: `sum by (worker) (rate(lockstep_worker_phase_seconds_total{${run}, phase="wait"}[$__rate_interval]))`,
          legend: "worker {{worker}} waits",
        },
      ],
    }),
    timeSeries({
      title: "Micro-batches per second, by worker",
      description: "Those that count, each once, in validations too. Faster workers are given more.",
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
        "In the last five minutes. Lost with their worker, or handed out once more because they failed or came late. The result is the same; the work was done twice.",
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
        "Lives of the coordinator after its first, resumes included, and of each worker's slot in this life.",
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
        "How many take part, and how many were lost in the last five minutes. Workers that left in order are not lost.",
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
        "Tensors that the coordinator sends and receives: weights to the workers, sums of gradients from them.",
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
      description: "Of each process. A line that only climbs will end at the machine's or the container's limit.",
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
        "Longest of the last half minute, by process. Above a second again and again for five minutes an alert fires: heartbeats come late.",
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
      description: "Share of time in which the GPU computed. Low with much `load` or `wait`: it is not fed.",
      unit: "percentunit",
      width: 12,
      min: 0,
      max: 1,
      queries: [{ expr: `lockstep_worker_gpu_utilization_ratio{${run}}`, legend: "worker {{worker}}, GPU {{gpu}}" }],
    }),
    timeSeries({
      title: "GPU memory",
      description: "In use by anybody, of what the GPU has.",
      unit: "bytes",
      width: 12,
      min: 0,
      queries: [
        { expr: `lockstep_worker_gpu_memory_used_bytes{${run}}`, legend: "worker {{worker}}, GPU {{gpu}}" },
        { expr: `max(lockstep_worker_gpu_memory_size_bytes{${run}})`, legend: "size of the largest" },
      ],
      reference: "size of the largest",
    }),
  ],
};

export const workerRows = { workers, faults, processes, gpus };
