// Implements the Telemetry and Control services: `telemetryService` has the event stream and the status,
// `controlService` the stop.
import { type ControlServer, ControlService, type TelemetryServer, TelemetryService } from "@lockstep/protocol";
import type { ServedService } from "@lockstep/service";
import { type CoreState, describeState } from "../core/state.js";
import type { EventBody } from "../tell/event-hub.js";
import type { Observation } from "../tell/observation.js";
import { workerStatuses } from "../tell/run-status.js";
import { boundedText } from "./bounded-text.js";

export interface ObserverContext {
  readonly state: () => CoreState;
  readonly observation: Observation;
  readonly runSpecJson: string;
  readonly resumed: boolean;
  readonly samplesPerEpoch: number;
  /** Step of the newest checkpoint on the disk. */
  readonly checkpointStep: () => number;
  readonly onStop: (reason: string) => void;
}

export function telemetryService(context: ObserverContext): ServedService {
  const implementation: TelemetryServer = {
    subscribe: (call) => context.observation.events.subscribe(call, snapshotOf(context)),
    getStatus: (_, answer) => {
      const state = context.state();
      const { name, reason } = describeState(state);
      const { position, settings, leasesRedone } = state;
      answer(null, {
        runSpecJson: context.runSpecJson,
        coordinatorGeneration: settings.coordinatorGeneration,
        state: name,
        reason,
        epoch: position.epoch,
        step: position.step,
        totalSteps: settings.plan.totalSteps,
        workers: workerStatuses(state, context.observation),
        leasesRedone,
        checkpointStep: context.checkpointStep(),
      });
    },
  };
  return { definition: TelemetryService, implementation };
}

export function controlService({ onStop }: Pick<ObserverContext, "onStop">): ServedService {
  const implementation: ControlServer = {
    stop: ({ request }, answer) => {
      onStop(boundedText(request.reason) || "asked to stop");
      answer(null, {});
    },
  };
  return { definition: ControlService, implementation };
}

/**
 * The first events of a new subscriber: the run and its position, its workers, and the status with the counts so far.
 */
function snapshotOf(context: ObserverContext): EventBody[] {
  const { state, runSpecJson, samplesPerEpoch, resumed, observation } = context;
  const { position, settings, members } = state();
  const { totalSteps, stepsPerEpoch } = settings.plan;
  const { step } = position;
  const runStarted = {
    ...{ runSpecJson, step, totalSteps, stepsPerEpoch, samplesPerEpoch, resumed },
    lifeBeganMs: Math.round(observation.beganAtMs),
    recent: observation.counters.recent,
  };
  return [
    { $case: "runStarted", value: runStarted },
    ...members
      .filter(({ status }) => status !== "gone")
      .map(
        ({ slot, generation, host, computeThreads, backend }): EventBody => ({
          $case: "workerJoined",
          value: { slot, generation, host, computeThreads, backend },
        }),
      ),
    { $case: "runStatus", value: observation.status },
  ];
}
