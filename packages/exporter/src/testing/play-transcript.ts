// Plays transcripts, testdata/*.txt, with `playTranscript`. A line that starts with "> " is what the exporter observes; the indented lines
// below it are the series that changed by it, with their new value or "gone".
//
//   > subscribing
//   > lost
//   > EVENT at=SECONDS [generation=N] FIELDS   an event by its name in the wire contract
//
// FIELDS is JSON of the fields that matter, with "NaN" for NaN; the others have their defaults.
import { Event } from "@lockstep/protocol";
import { advanceView, nothingSeen, type RunView } from "../run-view.js";
import { observationsOf, type Sample, samplesOf } from "../samples.js";

type Body = NonNullable<Event["event"]>;

/** Plays every command of a transcript, and returns what the file should be. */
export function playTranscript(text: string): string {
  const lines: string[] = [];
  let view = nothingSeen;
  let shown = seriesOf(view);
  for (const line of text.split("\n")) {
    if (line.startsWith("  ")) continue;
    lines.push(line);
    if (!line.startsWith("> ")) continue;
    const command = line.slice(2);
    const event = command === "subscribing" || command === "lost" ? null : parseEvent(command);
    view = event === null ? advanceView(view, { type: command as "subscribing" | "lost" }) : heard(view, event);
    const now = seriesOf(view);
    for (const [series, value] of now) if (shown.get(series) !== value) lines.push(`  ${series} ${value}`);
    for (const series of shown.keys()) if (!now.has(series)) lines.push(`  ${series} gone`);
    for (const observation of event === null ? [] : observationsOf(event)) {
      lines.push(`  observe ${seriesName(observation)} ${observation.value}`);
    }
    shown = now;
  }
  return lines.join("\n");
}

function heard(view: RunView, event: Event): RunView {
  return advanceView(view, { type: "event", event });
}

/** `stepCommitted at=12 {"step": 3}` */
function parseEvent(command: string): Event {
  const [, name, at, generation = "1", fields = "{}"] =
    /^(\w+) at=(\d+)(?: generation=(\d+))?(?: (\{.*\}))?$/.exec(command) ?? [];
  if (name === undefined || at === undefined) throw new Error(`not understood: ${command}`);
  return Event.fromPartial({
    coordinatorGeneration: Number(generation),
    timeMs: 1000 * Number(at),
    event: { $case: name, value: JSON.parse(fields, notANumber) } as Body, // fromPartial fills in what is left away
  });
}

function notANumber(_: string, value: unknown): unknown {
  return value === "NaN" ? Number.NaN : value;
}

function seriesOf(view: RunView): Map<string, string> {
  return new Map(samplesOf(view).map((sample) => [seriesName(sample), String(sample.value)]));
}

function seriesName({ name, labels }: Sample): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return parts.length === 0 ? name : `${name}{${parts.join(",")}}`;
}
