// Makes a process' logger with `createLogger`: pino's JSON lines go to a file, one line for people to stderr, each at its own level.
// Both are written synchronously, so that a process that exits or is killed has lost no line.
import { describeError, UserError } from "@lockstep/errors";
import { destination, type Level, type Logger, multistream, pino, type StreamEntry, stdTimeFunctions } from "pino";
import { formatLogLine } from "./log-line.js";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** @throws UserError that lists the levels */
export function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) {
    throw new UserError(`--log-level ${JSON.stringify(text)}: must be one of ${logLevels.join(", ")}`);
  }
  return level;
}

export interface LoggerOptions {
  /** The process, e.g. `coordinator` or `worker-1`. */
  readonly name: string;
  /** The level of stderr. Default `warn`. */
  readonly level?: LogLevel;
  /** JSON lines are appended here; its folder is made. No file by default. */
  readonly file?: string;
  /** The level of the file. Default `info`, or `level` where that includes more. */
  readonly fileLevel?: LogLevel;
  /** Default process.stderr. */
  readonly stderr?: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Default process.env; NO_COLOR keeps colours off (https://no-color.org). */
  readonly env?: { readonly NO_COLOR?: string };
}

/** @throws UserError when the file cannot be opened */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level = "warn", file, stderr = process.stderr, env = process.env } = options;
  const color = stderr.isTTY === true && !env.NO_COLOR;
  const people = { write: (json: string) => stderr.write(formatLogLine(json, { color })) };
  const entries: { level: LogLevel; stream: { write(json: string): unknown } }[] = [{ level, stream: people }];
  if (file !== undefined) {
    const stream = openFile(file, (line) => void stderr.write(line));
    entries.push({ level: options.fileLevel ?? moreOf("info", level), stream });
  }
  const streams = entries.flatMap(({ level, stream }): StreamEntry<Level>[] =>
    level === "silent" ? [] : [{ level, stream: { write: (json) => void stream.write(json) } }],
  );
  return pino(
    {
      name,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.epochTime,
      level: entries.map((entry) => entry.level).reduce(moreOf),
    },
    multistream(streams),
  );
}

/** A line that cannot be written later, on a full disk, is no reason to end the process: stderr reports the first one. */
function openFile(file: string, report: (line: string) => void): { write(json: string): unknown } {
  try {
    const stream = destination({ dest: file, sync: true, mkdir: true, append: true });
    let isReported = false;
    stream.on("error", (error) => {
      if (!isReported) report(`warning: log file ${file}: lines are lost: ${describeError(error)}\n`);
      isReported = true;
    });
    return stream;
  } catch (error) {
    throw new UserError(`log file ${file}: cannot be written`, { cause: error });
  }
}

function moreOf(a: LogLevel, b: LogLevel): LogLevel {
  return logLevels.indexOf(a) < logLevels.indexOf(b) ? a : b;
}
