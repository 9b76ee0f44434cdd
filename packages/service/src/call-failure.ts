// Owns how a failed call reads for people. Of a peer that cannot be reached grpc-js says all that it has tried, on several
// lines; what counts is the system's word. Of a deadline it tells where the time went.
import { describeError } from "@lockstep/errors";

const lastCause = /Last error: (?:Error: )?(.+?)\. Resolution note:/;
const deadline = /Deadline exceeded after ([\d.]+)s/;

/** One line: `connect ECONNREFUSED 127.0.0.1:50051`, `no answer in 3.0 s` */
export function describeCallFailure(error: unknown): string {
  const text = describeError(error).replaceAll(/\s*\n\s*/g, " ");
  const seconds = deadline.exec(text)?.[1];
  if (seconds !== undefined) return `no answer in ${Number(seconds).toFixed(1)} s`;
  return lastCause.exec(text)?.[1] ?? text;
}
