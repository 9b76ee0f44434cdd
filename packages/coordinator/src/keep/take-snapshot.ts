// Copies the state of a run between two commits, as a checkpoint stores it: `takeSnapshot`.
import type { JsonValue, Snapshot } from "@lockstep/checkpoint";
import type { RunDescription, TensorLayout } from "@lockstep/protocol";
import type { CoreState } from "../core/state.js";
import { countsBySlot } from "../core/state.js";
import type { StateCopy } from "../reduce/training-state.js";
import { type Bookkeeping, storeBookkeeping } from "./bookkeeping.js";
import { storedPosition } from "./stored-position.js";

export interface SnapshotSources extends Pick<Bookkeeping, "lastValidation" | "epochLoss" | "goodput"> {
  readonly run: RunDescription;
  readonly layout: TensorLayout;
  readonly state: CoreState;
  /** Copies: the snapshot takes ownership of them. */
  readonly trained: StateCopy;
  /** The coordinator's own numerics. */
  readonly numerics: Readonly<Record<string, JsonValue>>;
}

export function takeSnapshot(sources: SnapshotSources): Snapshot {
  const { run, layout, state, trained, numerics, lastValidation, epochLoss, goodput } = sources;
  const { position, reference, settings } = state;
  // The metrics are those of these weights only when no step was trained since.
  const isValidated = position.stepInEpoch === 0 && lastValidation?.epoch === position.epoch - 1;
  return {
    runSpec: run.spec,
    layout,
    ...trained,
    position: storedPosition(position, settings.plan.stepsPerEpoch),
    validation: isValidated ? lastValidation.metrics : null,
    numerics: {
      coordinator: { ...numerics },
      workers: reference === null ? null : (JSON.parse(reference.numericsJson) as JsonValue), // checked when the worker joined
    },
    pixelsSha256: reference?.pixelsSha256 ?? null,
    coordinatorGeneration: settings.coordinatorGeneration,
    bookkeeping: storeBookkeeping({
      lastValidation,
      epochLoss,
      leasesRedone: state.leasesRedone,
      microBatchesByWorker: countsBySlot(state),
      mixedNumerics: state.mixedNumerics,
      validationLosses: state.validationLosses,
      goodput,
    }),
  };
}
