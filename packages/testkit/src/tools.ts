// Owns what a test does when a tool that it needs is not on the machine: it is skipped by name, or fails where tools are
// required (LOCKSTEP_REQUIRE_TOOLS, set by .ci/run).
import { describeEngines } from "@lockstep/recipe";

const torch = (await describeEngines()).find(({ backend }) => backend === "torch");

/** For node:test's `skip`: false to run the test, or why it is skipped. */
export function needsTorch(): string | false {
  return torch?.available ? false : missingTool(`the torch backend: ${torch?.detail}`);
}

/** @throws where LOCKSTEP_REQUIRE_TOOLS is set */
export function missingTool(what: string): string {
  const { LOCKSTEP_REQUIRE_TOOLS } = process.env;
  if (LOCKSTEP_REQUIRE_TOOLS) throw new Error(`missing tool, and tools are required here: ${what}`);
  return `missing tool: ${what}`;
}
