// Checks whether the tools that tests need are installed (`needsTorch`, `needsPromtool`, ...). A test without its tool is skipped.
// With LOCKSTEP_REQUIRE_TOOLS, which .ci/run sets, `npm test` counts every skipped test as failed.
import { spawnSync } from "node:child_process";
import { describeEngines } from "@lockstep/recipe";

const torch = (await describeEngines()).find(({ backend }) => backend === "torch");

/** For the option `skip` of node:test: false when the test can run, otherwise why it is skipped. */
export function needsTorch(): string | false {
  return torch?.available ? false : `no torch backend: ${torch?.detail}`;
}

/** The same as needsTorch, for promtool. */
export function needsPromtool(): string | false {
  return needsProgram("promtool");
}

/** The same as needsTorch, for the Prometheus server. */
export function needsPrometheus(): string | false {
  return needsProgram("prometheus");
}

function needsProgram(name: "promtool" | "prometheus"): string | false {
  const { status, error } = spawnSync(name, ["--version"], { encoding: "utf8" });
  return status === 0 ? false : `no ${name}: ${error?.message ?? `exit code ${status}`}; apt-get install prometheus`;
}

/** The command that renders a kustomization, without its last argument, the folder; null when no such tool is installed. */
export function kustomizeCommand(): readonly string[] | null {
  const candidates = [
    { command: ["kustomize", "build"], version: ["kustomize", "version"] },
    { command: ["kubectl", "kustomize"], version: ["kubectl", "version", "--client"] },
  ];
  const found = candidates.find(({ version: [name = "", ...args] }) => spawnSync(name, args).status === 0);
  return found?.command ?? null;
}

/** The same as needsTorch, for kustomize or kubectl. */
export function needsKustomize(): string | false {
  return kustomizeCommand() === null ? "neither kustomize nor kubectl is installed" : false;
}
