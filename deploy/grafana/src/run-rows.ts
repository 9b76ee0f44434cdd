// Owns the rows about the run as a whole: where it is, what it learns, where its time goes, what is saved.
import { stat, timeSeries } from "./panels.js";
import type { Row } from "./row.js";

/** The run that the dashboard's variable names. */
const run = 'instance="$instance"';

const overview: Row = {
  title: "Run",
  panels: [
    stat({
      title: "State",
      description:
        "What the run does now, or how it ended. `coordinator not seen`: the exporter has lost it, and it had not said goodbye.",
      unit: "none",
      width: 4,
      queries: [
        {
          expr: `label_replace(lockstep_run_outcome{${run}} == 1, "state", "$1", "outcome", "(.+)") or on (instance) (lockstep_run_state{${run}} == 1) or on (instance) label_replace(lockstep_up{${run}} == 0, "state", "coordinator not seen", "", "")`,
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
        "coordinator not seen": "red",
      },
    }),
    stat({
      title: "Progress",
      description: "Optimizer updates made, of those planned.",
      unit: "percentunit",
      decimals: 1,
      width: 4,
      queries: [{ expr: `lockstep_step{${run}} / lockstep_planned_steps{${run}}`, legend: "progress" }],
      thresholds: [[null, "blue"]],
    }),
    stat({
      title: "Steps",
      description: "Optimizer updates behind the weights, those of earlier lives included, and of the whole run.",
      unit: "none",
      width: 4,
      queries: [
        { expr: `lockstep_step{${run}}`, legend: "made" },
        { expr: `lockstep_planned_steps{${run}}`, legend: "planned" },
      ],
    }),
    stat({
      title: "Epoch",
      description: "The epoch under way, counted from 1, and of how many.",
      unit: "none",
      width: 4,
      queries: [
        { expr: `clamp_max(lockstep_epoch{${run}} + 1, scalar(lockstep_planned_epochs{${run}}))`, legend: "under way" },
        { expr: `lockstep_planned_epochs{${run}}`, legend: "planned" },
      ],
    }),
    stat({
      title: "Time left",
      description: "At the pace of the last 15 minutes, validation included. Nothing while no step is made.",
      unit: "s",
      decimals: 0,
      width: 4,
      queries: [{ expr: `instance:lockstep_remaining_seconds:rate15m{${run}}`, legend: "left" }],
    }),
    stat({
      title: "Alerts",
      description:
        "Alerts that fire for this run. Prometheus lists them at /alerts; docs/operations.md says what to do.",
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
      description: "Training images of the last step over its duration, all workers together.",
      unit: "none",
      decimals: 1,
      width: 4,
      queries: [{ expr: `lockstep_images_per_second{${run}}`, legend: "images/s" }],
      sparkline: true,
    }),
    stat({
      title: "Goodput",
      description:
        "Time spent in steps and validations that count, over the time since the run first began: what crashes, lost steps and waiting for workers have cost.",
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
      description: "Workers that take part now.",
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
      description: "Of the last step.",
      unit: "none",
      decimals: 4,
      width: 4,
      queries: [{ expr: `lockstep_loss{${run}, part="train_step"}`, legend: "loss" }],
      sparkline: true,
    }),
    stat({
      title: "Validation loss",
      description: "Of the last validation, at the end of an epoch.",
      unit: "none",
      decimals: 4,
      width: 4,
      queries: [{ expr: `lockstep_loss{${run}, part="validation"}`, legend: "loss" }],
      sparkline: true,
    }),
    stat({
      title: "Not saved",
      description:
        "Time since the newest checkpoint, or since this life began from an older one: what a crash of the coordinator would lose at most. `nothing at risk`: no step was made since, or the run is over.",
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
        "Of each training step, of the training steps of each epoch, and on the validation part. Training that falls while validation rises is overfitting.",
      unit: "none",
      width: 12,
      queries: [{ expr: `lockstep_loss{${run}}`, legend: "{{part}}" }],
    }),
    timeSeries({
      title: "Losses of the heads",
      description: "What each head of the recipe adds to the loss, before its weight.",
      unit: "none",
      width: 12,
      queries: [
        { expr: `lockstep_metric{${run}, metric=~".+Loss", part!="train_step"}`, legend: "{{metric}}, {{part}}" },
      ],
    }),
    timeSeries({
      title: "Accuracy",
      description: "Share of images whose class was told right, by head.",
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
      description: "The recipe's other metrics, in their own units, e.g. the mean absolute error of an age in years.",
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
        "Global L2 norm of each step's gradient before clipping. A rise by orders of magnitude comes before a NaN.",
      unit: "none",
      width: 12,
      logarithmic: true,
      queries: [{ expr: `lockstep_gradient_norm{${run}}`, legend: "norm" }],
    }),
    timeSeries({
      title: "Learning rate",
      description: "Of each step, as the schedule gives it.",
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
        "Mean over workers and steps. Much `wait`: a slow worker or too few micro-batches. Much `upload` or `fetch_weights`: the network. `load` runs beside the computing, and stands apart: above the others it holds the computing up.",
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
        "From a step's first lease to the weights updated. Far quantiles show steps that waited for somebody.",
      unit: "s",
      width: 12,
      queries: [0.5, 0.9, 0.99].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le) (rate(lockstep_step_duration_seconds_bucket{${run}}[$__rate_interval])))`,
        legend: `${quantile * 100}th percentile`,
      })),
    }),
    timeSeries({
      title: "Speed",
      description: "Images and steps a second over wall time, validation and waiting included.",
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
      description: "Share of time in steps and validations that count: lately, and since the run first began.",
      unit: "percentunit",
      width: 8,
      min: 0,
      max: 1,
      queries: [
        { expr: `rate(lockstep_productive_seconds_total{${run}}[$__rate_interval])`, legend: "lately" },
        { expr: `lockstep_goodput_ratio{${run}}`, legend: "whole run" },
      ],
    }),
    timeSeries({
      title: "Validation",
      description: "How long the last validation pass took.",
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
        "What a crash of the coordinator would lose at most, in time and in steps: all since the newest checkpoint, or since this life began from an older one. An alert fires after an hour.",
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
      description: "Weights and optimizer's state of the newest one. Times the number kept: the disk that a run needs.",
      unit: "bytes",
      width: 8,
      min: 0,
      queries: [{ expr: `lockstep_checkpoint_size_bytes{${run}}`, legend: "size" }],
    }),
    timeSeries({
      title: "Writing a checkpoint",
      description:
        "How long it took until the newest one was durable. Training goes on meanwhile; a rise tells of the disk.",
      unit: "s",
      width: 8,
      min: 0,
      queries: [{ expr: `lockstep_checkpoint_duration_seconds{${run}}`, legend: "duration" }],
    }),
  ],
};

export const runRows = { overview, learning, time, checkpoints };
