// Owns the Telemetry and Control services: the event stream, the status, and the one control.
import { type ControlServer, ControlService, type TelemetryServer, TelemetryService } from "@lockstep/protocol";
import type { ServedService } from "@lockstep/service";
import { type CoreState, describeState } from "../core/state.js";
import type { EventBody, EventHub } from "./event-hub.js";

export interface ObserverContext {
  readonly state: () => CoreState;
  readonly events: EventHub;
  readonly runSpecJson: string;
  readonly resumed: boolean;
  readonly samplesPerEpoch: number;
  /** Step of the newest durable checkpoint. */
  readonly checkpointStep: () => number;
  readonly onStop: (reason: string) => void;
}

export function telemetryService(context: ObserverContext): ServedService {
  const implementation: TelemetryServer = {
    subscribe: (call) => context.events.subscribe(call, snapshotOf(context)),
    getStatus: (_, answer) => {
      const state = context.state();
      const { name, reason } = describeState(state);
      const { position, settings, members, leasesRedone, microBatchesBySlot } = state;
      answer(null, {
        runSpecJson: context.runSpecJson,
        coordinatorGeneration: settings.coordinatorGeneration,
        state: name,
        reason,
        epoch: position.epoch,
        step: position.step,
        totalSteps: settings.course.totalSteps,
        workers: members.map(({ slot, generation, host, computeThreads, samplesPerSecond, life }) => ({
          slot,
          generation,
          host,
          computeThreads,
          microBatches: microBatchesBySlot.get(slot) ?? 0,
          samplesPerSecond: samplesPerSecond ?? 0,
          connected: life === "attending" || life === "draining",
        })),
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
      onStop(request.reason || "asked to stop");
      answer(null, {});
    },
  };
  return { definition: ControlService, implementation };
}

/** What a new subscriber hears first: where the run stands, and who takes part. */
function snapshotOf({ state, runSpecJson, samplesPerEpoch, resumed }: ObserverContext): EventBody[] {
  const { position, settings, members } = state();
  const { totalSteps, stepsPerEpoch } = settings.course;
  const { step } = position;
  return [
    { $case: "runStarted", value: { runSpecJson, step, totalSteps, stepsPerEpoch, samplesPerEpoch, resumed } },
    ...members
      .filter(({ life }) => life !== "gone")
      .map(
        ({ slot, generation, host, computeThreads, backend }): EventBody => ({
          $case: "workerJoined",
          value: { slot, generation, host, computeThreads, backend },
        }),
      ),
  ];
}
