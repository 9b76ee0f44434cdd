// Describes a failed call for people, in one line, with `describeCallFailure`. grpc-js lists on several lines all that it has tried to
// reach a peer: what counts is the system's error. Of a deadline it reports where the time was spent.
import { describeError } from "@lockstep/errors";

const lastCause = /Last error: (?:Error: )?(.+?)\. Resolution note:/;
const deadline = /Deadline exceeded after ([\d.]+)s/;

/** E.g. `connect ECONNREFUSED 127.0.0.1:50051`, `no answer in 3.0 s`. */
export function describeCallFailure(error: unknown): string {
  const text = describeError(error).replaceAll(/\s*\n\s*/g, " ");
  const seconds = deadline.exec(text)?.[1];
  if (seconds !== undefined) return `no answer in ${Number(seconds).toFixed(1)} s`;
  const cause = lastCause.exec(text)?.[1];
  // grpc-js has no error at hand while it waits between two attempts to connect.
  return cause === "null" ? "no connection yet" : (cause ?? text);
}
