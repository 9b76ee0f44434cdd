// Makes a log for tests with `createRecordingLog`: it keeps its lines.
import type { Log } from "@lockstep/errors";

export interface RecordingLog extends Log {
  readonly lines: string[];
}

export function createRecordingLog(): RecordingLog {
  const lines: string[] = [];
  return {
    lines,
    info: (_fields, message) => void lines.push(`info ${message}`),
    warn: (_fields, message) => void lines.push(`warn ${message}`),
  };
}
