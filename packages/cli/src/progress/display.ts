// `createDisplay` shows a run's progress on stderr: a live bar on a terminal, plain lines elsewhere.
import { printable } from "@lockstep/errors";
import type { Event } from "@lockstep/protocol";
import { createLogUpdate } from "log-update";
import { epochLine, fitted, percent, progressBar, progressLine, progressParts } from "./progress-text.js";
import { advanceProgress, epochOf, noProgress, type RunProgress } from "./run-progress.js";

export interface Display {
  /** Shows the progress of work outside of training: preparation, or work on a data set. */
  preparing(progress: { readonly stage: string; readonly done: number; readonly total: number }): void;
  event(event: Event): void;
  /** Prints a permanent line. */
  note(line: string): void;
  /** For a logger that writes to the same stream: its text stays above the live part. */
  readonly stderr: { write(text: string): void; readonly isTTY: boolean };
  /** Removes the live part. Idempotent. */
  close(): void;
}

export interface DisplayOptions {
  /** Default process.stderr. */
  readonly stream?: NodeJS.WriteStream;
  /** Default performance.now(). */
  readonly nowMs?: () => number;
}

/** How permanent lines and the live state are written. */
interface Surface {
  line(text: string): void;
  /** Called at every change; limits how often it writes. `final` marks the last change of its kind. */
  live(text: () => string, final: boolean): void;
  close(): void;
}

export function createDisplay(options: DisplayOptions = {}): Display {
  const { stream = process.stderr, nowMs = () => performance.now() } = options;
  // A terminal that gives no size (some recorders) cannot be drawn on.
  const isLive = stream.isTTY && stream.rows > 0 && stream.columns > 0;
  const surface = isLive ? terminal(stream, nowMs) : plainLines(stream, nowMs);
  let progress = noProgress;
  let hasWarned = false;
  return {
    preparing: ({ stage, done, total }) =>
      surface.live(() => `${stage} ${done}/${total} ${percent(total === 0 ? 1 : done / total)}`, done === total),
    event(event) {
      const before = progress;
      progress = advanceProgress(before, event);
      for (const line of linesOf(event, before)) surface.line(line);
      if (!hasWarned && isSlow(event)) {
        hasWarned = true;
        surface.line(slowWarning);
      }
      const isLast = progress.step === progress.totalSteps;
      if (progress.recent.length > 0) {
        surface.live(() => (isLive ? liveText(progress, stream.columns) : progressLine(progress)), isLast);
      }
    },
    note: (line) => surface.line(line),
    stderr: { write: (text) => surface.line(text.replace(/\n$/, "")), isTTY: stream.isTTY },
    close: () => surface.close(),
  };
}

function liveText(progress: RunProgress, columns: number): string {
  return fitted([progressBar(progress), ...progressParts(progress)], columns).join("\n");
}

/** Shown for any --log-level: with the slow fallback of `auto` a run takes days. */
const slowWarning =
  "warning: computing in plain JavaScript (backend cpu), thousands of times slower\nthan libtorch; to see what is missing: npx lockstep doctor";

function isSlow({ event }: Event): boolean {
  return event?.$case === "workerJoined" && event.value.backend === "cpu";
}

/** @returns the permanent lines for an event */
function linesOf({ event }: Event, before: RunProgress): string[] {
  switch (event?.$case) {
    case "runStarted": {
      const { resumed, step, totalSteps } = event.value;
      return [resumed ? `resuming from step ${step} of ${totalSteps}` : `training ${totalSteps} steps`];
    }
    case "epochValidated":
      return [epochLine(event.value, epochOf(before).epochs)];
    case "workerJoined": {
      const { slot, generation } = event.value;
      return generation > 1 ? [`worker ${slot} is back (generation ${generation})`] : [];
    }
    case "workerLost": {
      const { slot, reason, leasesLost, left } = event.value;
      const lost = leasesLost > 0 ? `; ${leasesLost} of its leases go to others` : "";
      return [`worker ${slot} ${left ? "has left" : "is lost"}: ${printable(reason)}${lost}`];
    }
    case "runFinished":
      return event.value.completed ? [] : [`stopped at step ${event.value.step}: ${printable(event.value.reason)}`];
    default:
      return [];
  }
}

const frameMs = 100;

function terminal(stream: NodeJS.WriteStream, nowMs: () => number): Surface {
  const update = createLogUpdate(stream);
  let shownMs = Number.NEGATIVE_INFINITY;
  return {
    line: (text) => update.persist(text),
    live(text, final) {
      if (!final && nowMs() - shownMs < frameMs) return;
      shownMs = nowMs();
      update(text());
    },
    close() {
      update.clear();
      update.done();
    },
  };
}

const plainLineMs = 5_000;

function plainLines(stream: NodeJS.WriteStream, nowMs: () => number): Surface {
  let shownMs = nowMs();
  let wasFinal = false;
  return {
    line: (text) => void stream.write(`${text}\n`),
    live(text, final) {
      const due = nowMs() - shownMs >= plainLineMs || (final && !wasFinal);
      wasFinal = final;
      if (!due) return;
      shownMs = nowMs();
      stream.write(`${text()}\n`);
    },
    close: () => {},
  };
}
