// Owns how a failed call reads for people. Of a peer that cannot be reached grpc-js says all that it has tried, on several
// lines; what counts is the system's word.
import { describeError } from "@lockstep/errors";

const lastCause = /Last error: (?:Error: )?(.+?)\. Resolution note:/;

/** One line: `connect ECONNREFUSED 127.0.0.1:50051` */
export function describeCallFailure(error: unknown): string {
  const text = describeError(error).replaceAll(/\s*\n\s*/g, " ");
  return lastCause.exec(text)?.[1] ?? text;
}
