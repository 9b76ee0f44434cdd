// Formats a log record for a terminal with `formatLogLine`: `12:01:03 warn  worker-1: message key=value`, in local time. A record is one
// line; the stack of a fatal one follows, as it is a bug and there may be no log file.
import { printable } from "@lockstep/errors";

const levelNames: Readonly<Record<number, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};
const levelColors: Readonly<Record<number, string>> = { 10: "90", 20: "90", 30: "36", 40: "33", 50: "31", 60: "31;1" };
const fatalLevel = 60;
const ownFields = new Set(["level", "time", "pid", "name", "msg", "err"]);

/** The fields that pino adds; the message's own are beside them. */
interface LogRecord {
  readonly level: number;
  /** Unix time, milliseconds. */
  readonly time: number;
  readonly name: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
}

/** Makes a line of pino's JSON into a line for people. */
export function formatLogLine(json: string, { color }: { readonly color: boolean }): string {
  const record = JSON.parse(json) as LogRecord; // pino wrote it, in createLogger's shape
  const { level, time, name, msg, err } = record;
  const word = (levelNames[level] ?? String(level)).padEnd(5);
  const shown = color ? `\u001b[${levelColors[level] ?? "0"}m${word}\u001b[0m` : word;
  const message = msg === undefined ? [] : [oneLine(msg)];
  const fields = Object.entries(record)
    .filter(([key]) => !ownFields.has(key))
    .map(([key, value]) => `${key}=${fieldText(value)}`);
  const error = err?.message === undefined ? [] : [`error=${fieldText(err.message)}`];
  const line = [clock(time), shown, `${name}:`, ...message, ...fields, ...error].join(" ");
  const stack = level >= fatalLevel && err?.stack !== undefined ? `${err.stack}\n` : "";
  return `${line}\n${stack}`;
}

function fieldText(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return printable(/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value));
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*\n\s*/g, " "));
}

function clock(timeMs: number): string {
  const time = new Date(timeMs);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
