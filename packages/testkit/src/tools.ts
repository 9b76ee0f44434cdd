// Owns why a test is skipped when a tool that it needs is not on the machine. Where tools are required
// (LOCKSTEP_REQUIRE_TOOLS, set by .ci/run) `npm test` makes every skip a failure.
import { spawnSync } from "node:child_process";
import { describeEngines } from "@lockstep/recipe";

const torch = (await describeEngines()).find(({ backend }) => backend === "torch");

/** For node:test's `skip`: false to run the test, or why it is skipped. */
export function needsTorch(): string | false {
  return torch?.available ? false : `no torch backend: ${torch?.detail}`;
}

/** As needsTorch. */
export function needsPromtool(): string | false {
  return needsProgram("promtool");
}

/** As needsTorch: the server itself, of the same OS package. */
export function needsPrometheus(): string | false {
  return needsProgram("prometheus");
}

function needsProgram(name: "promtool" | "prometheus"): string | false {
  const { status, error } = spawnSync(name, ["--version"], { encoding: "utf8" });
  return status === 0 ? false : `no ${name}: ${error?.message ?? `exit code ${status}`}; apt-get install prometheus`;
}

/** The command that renders the kustomization in the folder that follows; null where there is none. */
export function kustomizeCommand(): readonly string[] | null {
  const candidates = [
    { command: ["kustomize", "build"], version: ["kustomize", "version"] },
    { command: ["kubectl", "kustomize"], version: ["kubectl", "version", "--client"] },
  ];
  const found = candidates.find(({ version: [name = "", ...args] }) => spawnSync(name, args).status === 0);
  return found?.command ?? null;
}

export function needsKustomize(): string | false {
  return kustomizeCommand() === null ? "neither kustomize nor kubectl is on this machine" : false;
}
