// Owns what a person sees on stderr while a run goes on: a live bar on a terminal, plain lines elsewhere.
import { printable } from "@lockstep/errors";
import type { Event } from "@lockstep/protocol";
import { createLogUpdate } from "log-update";
import { epochLine, fitted, percent, progressBar, progressLine, progressParts } from "./progress-text.js";
import { advanceProgress, epochOf, noProgress, type RunProgress } from "./run-progress.js";

export interface Display {
  /** Work outside of training: before the first step, or over a data set. */
  preparing(progress: { readonly stage: string; readonly done: number; readonly total: number }): void;
  event(event: Event): void;
  /** A line that stays. */
  note(line: string): void;
  /** For who would write to the same stream: what is written stays, and the live part below it stays whole. */
  readonly stderr: { write(text: string): void; readonly isTTY: boolean };
  /** Takes the live part away. Idempotent. */
  close(): void;
}

export interface DisplayOptions {
  /** Default process.stderr. */
  readonly stream?: NodeJS.WriteStream;
  /** Default performance.now(). */
  readonly nowMs?: () => number;
}

/** How the newest state is shown; the lines that stay are the same everywhere. */
interface Surface {
  line(text: string): void;
  /** Called at every change; shows as often as suits it. `final`: the last one of its kind. */
  live(text: () => string, final: boolean): void;
  close(): void;
}

export function createDisplay(options: DisplayOptions = {}): Display {
  const { stream = process.stderr, nowMs = () => performance.now() } = options;
  // A terminal that gives no size (some recorders) cannot be drawn on.
  const isLive = stream.isTTY && stream.rows > 0 && stream.columns > 0;
  const surface = isLive ? terminal(stream, nowMs) : plainLines(stream, nowMs);
  let progress = noProgress;
  let saidSlow = false;
  return {
    preparing: ({ stage, done, total }) =>
      surface.live(() => `${stage} ${done}/${total} ${percent(total === 0 ? 1 : done / total)}`, done === total),
    event(event) {
      const before = progress;
      progress = advanceProgress(before, event);
      for (const line of linesOf(event, before)) surface.line(line);
      if (!saidSlow && isSlow(event)) {
        saidSlow = true;
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

/** Said whatever --log-level hides of the workers' own warnings: what `auto` fell back to costs days. */
const slowWarning =
  "warning: computing in plain JavaScript (backend cpu), thousands of times slower\nthan libtorch; what is missing, says: npx lockstep doctor";

function isSlow({ event }: Event): boolean {
  return event?.$case === "workerJoined" && event.value.backend === "cpu";
}

/** What of an event is worth a line that stays. */
function linesOf({ event }: Event, before: RunProgress): string[] {
  switch (event?.$case) {
    case "runStarted": {
      const { resumed, step, totalSteps } = event.value;
      return [resumed ? `going on from step ${step} of ${totalSteps}` : `training ${totalSteps} steps`];
    }
    case "epochValidated":
      return [epochLine(event.value, epochOf(before).epochs)];
    case "workerJoined": {
      const { slot, generation } = event.value;
      return generation > 1 ? [`worker ${slot} is back (life ${generation})`] : [];
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
