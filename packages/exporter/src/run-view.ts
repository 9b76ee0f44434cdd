// Computes what the exporter knows of a run with `advanceView`, a pure function of what it has observed: the coordinator's events, and
// whether it is subscribed to them. samples.ts makes numbers of it.
import { createHash } from "node:crypto";
import type { CheckpointWritten, EpochValidated, Event, RunStatus, StepCommitted } from "@lockstep/protocol";
import { z } from "zod";
import type { outcomes } from "./catalogue.js";

export interface RunView {
  /** Whether the exporter receives a coordinator's events now. */
  readonly isSeen: boolean;
  /** Event streams opened since the exporter started. */
  readonly subscriptions: number;
  /** The newest life of the coordinator; null before the first was seen. */
  readonly life: LifeView | null;
}

export interface LifeView {
  /** Counts the coordinator's lives in the run, from 1. */
  readonly generation: number;
  readonly run: RunIdentity;
  /** What the workers compute with; empty until one has joined. */
  readonly backend: string;
  readonly beganAtMs: number;
  readonly step: number;
  readonly plannedSteps: number;
  /** Null until the snapshot is whole. */
  readonly status: RunStatus | null;
  readonly lastStep: Told<StepCommitted> | null;
  readonly lastValidation: Told<EpochValidated> | null;
  readonly lastCheckpoint: Told<CheckpointWritten> | null;
  /** Null while the life goes on. */
  readonly outcome: (typeof outcomes)[number] | null;
}

export interface Told<Value> {
  readonly value: Value;
  /** Unix time, milliseconds. */
  readonly atMs: number;
}

export interface RunIdentity {
  /** SHA-256 (hex) of the run spec. */
  readonly specSha256: string;
  readonly recipe: string;
  readonly epochs: number;
}

export type Observed =
  | { readonly type: "subscribing" }
  | { readonly type: "event"; readonly event: Event }
  /** The stream has ended. */
  | { readonly type: "lost" };

export const nothingSeen: RunView = { isSeen: false, subscriptions: 0, life: null };

/** @throws Error for a run spec that is not understood: the coordinator is of another release */
export function advanceView(view: RunView, observed: Observed): RunView {
  switch (observed.type) {
    case "subscribing":
      return { ...view, subscriptions: view.subscriptions + 1 };
    case "lost":
      return { ...view, isSeen: false };
    case "event": {
      const life = advanceLife(view.life, observed.event);
      return { ...view, life, isSeen: view.isSeen || observed.event.event?.$case === "runStarted" };
    }
  }
}

function advanceLife(life: LifeView | null, told: Event): LifeView | null {
  const { event, timeMs: atMs } = told;
  if (event?.$case === "runStarted") return begin(life, told.coordinatorGeneration, event.value);
  if (life === null) return null; // before the snapshot: it will say all of it
  switch (event?.$case) {
    case "stepCommitted": {
      const { step } = event.value;
      return { ...life, step, lastStep: { value: event.value, atMs } };
    }
    case "epochValidated":
      return { ...life, lastValidation: { value: event.value, atMs } };
    case "checkpointWritten":
      return { ...life, lastCheckpoint: { value: event.value, atMs } };
    case "runStatus": {
      const backend = event.value.workers.find((worker) => worker.backend !== "")?.backend ?? life.backend;
      return { ...life, step: event.value.step, status: event.value, backend };
    }
    case "runFinished": {
      const { completed, failed } = event.value;
      return { ...life, outcome: completed ? "completed" : failed ? "failed" : "stopped" };
    }
    default:
      return life; // what joins, leaves or is lost is in the status, which follows at once
  }
}

/** A snapshot replaces all that was known of a life, except how it ended. */
function begin(
  before: LifeView | null,
  generation: number,
  started: Extract<NonNullable<Event["event"]>, { $case: "runStarted" }>["value"],
): LifeView {
  const { runSpecJson, step, totalSteps, lifeBeganMs, recent } = started;
  const run = identify(runSpecJson);
  const isSameLife =
    before?.run.specSha256 === run.specSha256 && before.generation === generation && before.beganAtMs === lifeBeganMs;
  const fresh: LifeView = {
    generation,
    run,
    // The workers compute with the same backend in a new life, and report it a moment later.
    backend: before?.run.specSha256 === run.specSha256 ? before.backend : "",
    beganAtMs: lifeBeganMs,
    step,
    plannedSteps: totalSteps,
    status: null,
    lastStep: null,
    lastValidation: null,
    lastCheckpoint: null,
    // A life that has ended does not go on, even where events of it are still received.
    outcome: isSameLife ? before.outcome : null,
  };
  return recent.reduce((life, event) => advanceLife(life, event) ?? life, fresh);
}

/** The part of the run spec that is shown. */
const shownSpec = z.object({ recipe: z.object({ name: z.string() }), epochs: z.number().int().positive() });

function identify(runSpecJson: string): RunIdentity {
  let spec: z.infer<typeof shownSpec>;
  try {
    spec = shownSpec.parse(JSON.parse(runSpecJson));
  } catch (error) {
    throw new Error("the coordinator's run spec is not understood; run the coordinator's release of the exporter", {
      cause: error,
    });
  }
  const specSha256 = createHash("sha256").update(runSpecJson).digest("hex");
  return { specSha256, recipe: spec.recipe.name, epochs: spec.epochs };
}
