// Owns why a test is skipped when a tool that it needs is not on the machine. Where tools are required
// (LOCKSTEP_REQUIRE_TOOLS, set by .ci/run) `npm test` makes every skip a failure.
import { describeEngines } from "@lockstep/recipe";

const torch = (await describeEngines()).find(({ backend }) => backend === "torch");

/** For node:test's `skip`: false to run the test, or why it is skipped. */
export function needsTorch(): string | false {
  return torch?.available ? false : `no torch backend: ${torch?.detail}`;
}
