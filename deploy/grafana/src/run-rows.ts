// runRows are the rows about the run as a whole: overview, learning, time and checkpoints.
import { stat, timeSeries } from "./panels.js";
import type { Row } from "./row.js";

/** Selects the run of the dashboard's variable. */
const run = 'instance="$instance"';

const overview: Row = {
  title: "Run",
  panels: [
    stat({
      title: "State",
      description:
        "What the run does now, or how it ended. `coordinator not reachable`: the exporter has lost the connection before the run ended.",
      unit: "none",
      width: 4,
      queries: [
        {
          expr: `label_replace(lockstep_run_outcome{${run}} == 1, "state", "$1", "outcome", "(.+)") or on (instance) (lockstep_run_state{${run}} == 1) or on (instance) label_replace(lockstep_up{${run}} == 0, "state", "coordinator not reachable", "", "")`,
          legend: "{{state}}",
        },
      ],
      legendColours: {
        waiting: "yellow",
        training: "green",
        validating: "green",
        stopping: "yellow",
        finished: "blue",
        completed: "blue",
        stopped: "yellow",
        failed: "red",
        "coordinator not reachable": "red",
      },
    }),
    stat({
      title: "Progress",
      description: "Optimizer updates made, as a share of the planned updates.",
      unit: "percentunit",
      decimals: 1,
      width: 4,
      queries: [{ expr: `lockstep_step{${run}} / lockstep_planned_steps{${run}}`, legend: "progress" }],
      thresholds: [[null, "blue"]],
    }),
    stat({
      title: "Steps",
      description:
        "Optimizer updates made so far, including those before restarts of the coordinator, and planned for the whole run.",
      unit: "none",
      width: 4,
      queries: [
        { expr: `lockstep_step{${run}}`, legend: "made" },
        { expr: `lockstep_planned_steps{${run}}`, legend: "planned" },
      ],
    }),
    stat({
      title: "Epoch",
      description: "The current epoch, counted from 1, and the number of epochs.",
      unit: "none",
      width: 4,
      queries: [
        { expr: `clamp_max(lockstep_epoch{${run}} + 1, scalar(lockstep_planned_epochs{${run}}))`, legend: "current" },
        { expr: `lockstep_planned_epochs{${run}}`, legend: "planned" },
      ],
    }),
    stat({
      title: "Time left",
      description: "At the speed of the last 15 minutes, validation included. Empty while no step is made.",
      unit: "s",
      decimals: 0,
      width: 4,
      queries: [{ expr: `instance:lockstep_remaining_seconds:rate15m{${run}}`, legend: "left" }],
    }),
    stat({
      title: "Alerts",
      description:
        "Alerts that fire for this run. Prometheus lists them at /alerts; docs/operations.md explains what to do.",
      unit: "none",
      width: 4,
      queries: [{ expr: `count(ALERTS{alertstate="firing", ${run}}) or vector(0)`, legend: "firing" }],
      thresholds: [
        [null, "green"],
        [1, "red"],
      ],
    }),
    stat({
      title: "Images per second",
      description: "Training images of the last step divided by its duration, for all workers together.",
      unit: "none",
      decimals: 1,
      width: 4,
      queries: [{ expr: `lockstep_images_per_second{${run}}`, legend: "images/s" }],
      sparkline: true,
    }),
    stat({
      title: "Goodput",
      description:
        "Time of the steps and validations that count, divided by the time since the run first started. The rest was lost to crashes, repeated steps and waits for workers.",
      unit: "percentunit",
      decimals: 1,
      width: 4,
      queries: [{ expr: `lockstep_goodput_ratio{${run}}`, legend: "goodput" }],
      thresholds: [
        [null, "red"],
        [0.5, "yellow"],
        [0.8, "green"],
      ],
      sparkline: true,
    }),
    stat({
      title: "Workers",
      description: "Workers that are connected now.",
      unit: "none",
      width: 4,
      queries: [{ expr: `lockstep_workers_connected{${run}}`, legend: "connected" }],
      thresholds: [
        [null, "red"],
        [1, "green"],
      ],
      sparkline: true,
    }),
    stat({
      title: "Training loss",
      description: "Loss of the last step.",
      unit: "none",
      decimals: 4,
      width: 4,
      queries: [{ expr: `lockstep_loss{${run}, part="train_step"}`, legend: "loss" }],
      sparkline: true,
    }),
    stat({
      title: "Validation loss",
      description: "Loss of the last validation, at the end of an epoch.",
      unit: "none",
      decimals: 4,
      width: 4,
      queries: [{ expr: `lockstep_loss{${run}, part="validation"}`, legend: "loss" }],
      sparkline: true,
    }),
    stat({
      title: "Not saved",
      description:
        "The most that a crash of the coordinator would lose: the time since the newest checkpoint, or since the last start of the coordinator, if it resumed an older one. `nothing at risk`: no step was made since then, or the run is over.",
      unit: "s",
      decimals: 0,
      width: 4,
      queries: [{ expr: `instance:lockstep_unsaved_seconds:age{${run}}`, legend: "not saved" }],
      zeroText: "nothing at risk",
      thresholds: [
        [null, "green"],
        [1800, "yellow"],
        [3600, "red"],
      ],
    }),
  ],
};

const learning: Row = {
  title: "Learning",
  panels: [
    timeSeries({
      title: "Loss",
      description:
        "The loss of each training step, of the training steps of each epoch, and of the validation part. If the training loss falls while the validation loss rises, the model overfits.",
      unit: "none",
      width: 12,
      queries: [{ expr: `lockstep_loss{${run}}`, legend: "{{part}}" }],
    }),
    timeSeries({
      title: "Losses of the heads",
      description: "The loss of each head of the recipe, before it is multiplied by the head's weight.",
      unit: "none",
      width: 12,
      queries: [
        { expr: `lockstep_metric{${run}, metric=~".+Loss", part!="train_step"}`, legend: "{{metric}}, {{part}}" },
      ],
    }),
    timeSeries({
      title: "Accuracy",
      description: "Share of images whose class was predicted correctly, by head.",
      unit: "percentunit",
      width: 12,
      min: 0,
      max: 1,
      queries: [
        { expr: `lockstep_metric{${run}, metric=~".+Accuracy", part!="train_step"}`, legend: "{{metric}}, {{part}}" },
      ],
    }),
    timeSeries({
      title: "Other metrics",
      description:
        "The recipe's other metrics, in their own units, for example the mean absolute error of an age in years.",
      unit: "none",
      width: 12,
      queries: [
        {
          expr: `lockstep_metric{${run}, metric!~".*([lL]oss|Accuracy)", part!="train_step"}`,
          legend: "{{metric}}, {{part}}",
        },
      ],
    }),
    timeSeries({
      title: "Gradient norm",
      description:
        "Global L2 norm of each step's gradient before clipping. Before a NaN it often rises by orders of magnitude.",
      unit: "none",
      width: 12,
      logarithmic: true,
      queries: [{ expr: `lockstep_gradient_norm{${run}}`, legend: "norm" }],
    }),
    timeSeries({
      title: "Learning rate",
      description: "The learning rate of each step, from the schedule.",
      unit: "sci",
      width: 12,
      min: 0,
      queries: [{ expr: `lockstep_learning_rate{${run}}`, legend: "learning rate" }],
    }),
  ],
};

const time: Row = {
  title: "Time",
  panels: [
    timeSeries({
      title: "Time in a step, by phase",
      description:
        "Mean over workers and steps. A long `wait` means a slow worker or too few micro-batches. A long `upload` or `fetch_weights` means a slow network. `load` runs in parallel to the computation and is shown as a dashed line: above the others, it delays the computation.",
      unit: "s",
      width: 12,
      stacked: true,
      reference: "load",
      queries: [
        {
          expr: `sum by (phase) (rate(lockstep_step_phase_duration_seconds_sum{${run}}[$__rate_interval])) / sum by (phase) (rate(lockstep_step_phase_duration_seconds_count{${run}}[$__rate_interval]))`,
          legend: "{{phase}}",
        },
      ],
    }),
    timeSeries({
      title: "Duration of steps",
      description:
        "From a step's first lease to the update of the weights. High quantiles show steps that waited for a worker.",
      unit: "s",
      width: 12,
      queries: [0.5, 0.9, 0.99].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le) (rate(lockstep_step_duration_seconds_bucket{${run}}[$__rate_interval])))`,
        legend: `${quantile * 100}th percentile`,
      })),
    }),
    timeSeries({
      title: "Speed",
      description: "Images and steps per second of wall time, validation and waits included.",
      unit: "none",
      width: 8,
      min: 0,
      rightAxis: { legends: "steps/s", unit: "none" },
      queries: [
        { expr: `rate(lockstep_samples_total{${run}}[$__rate_interval])`, legend: "images/s" },
        { expr: `rate(lockstep_steps_total{${run}}[$__rate_interval])`, legend: "steps/s" },
      ],
    }),
    timeSeries({
      title: "Goodput",
      description: "Share of time in steps and validations that count: recently, and since the run first started.",
      unit: "percentunit",
      width: 8,
      min: 0,
      max: 1,
      queries: [
        { expr: `rate(lockstep_productive_seconds_total{${run}}[$__rate_interval])`, legend: "recently" },
        { expr: `lockstep_goodput_ratio{${run}}`, legend: "whole run" },
      ],
    }),
    timeSeries({
      title: "Validation",
      description: "Duration of the last validation pass.",
      unit: "s",
      width: 8,
      min: 0,
      queries: [{ expr: `lockstep_validation_duration_seconds{${run}}`, legend: "duration" }],
    }),
  ],
};

const checkpoints: Row = {
  title: "Checkpoints",
  panels: [
    timeSeries({
      title: "Not saved",
      description:
        "The most that a crash of the coordinator would lose, in time and in steps: the work since the newest checkpoint, or since the last start of the coordinator, if it resumed an older one. An alert fires after an hour.",
      unit: "s",
      width: 8,
      min: 0,
      rightAxis: { legends: "steps since", unit: "none" },
      thresholds: [
        [null, "green"],
        [3600, "red"],
      ],
      queries: [
        { expr: `instance:lockstep_unsaved_seconds:age{${run}}`, legend: "time" },
        { expr: `lockstep_step{${run}} - lockstep_checkpoint_step{${run}}`, legend: "steps since" },
      ],
    }),
    timeSeries({
      title: "Size of a checkpoint",
      description:
        "Weights and optimizer state of the newest checkpoint. A run needs this size times the number of checkpoints kept.",
      unit: "bytes",
      width: 8,
      min: 0,
      queries: [{ expr: `lockstep_checkpoint_size_bytes{${run}}`, legend: "size" }],
    }),
    timeSeries({
      title: "Writing a checkpoint",
      description:
        "How long it took until the newest checkpoint was durable. Training continues during that time. A rise means a slow disk.",
      unit: "s",
      width: 8,
      min: 0,
      queries: [{ expr: `lockstep_checkpoint_duration_seconds{${run}}`, legend: "duration" }],
    }),
  ],
};

export const runRows = { overview, learning, time, checkpoints };
