// `checkWorkersAgree` checks that runs of `lockstep train` with one and with three workers reach the same weights.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import type { RuleResult } from "@lockstep/recipe";
import { describeExit, startChild } from "../launcher/child.js";
import type { keptSettings } from "../run-settings.js";
import type { launchSettings } from "../settings/declared/launch.js";
import type { Inputs } from "../settings/setting.js";
import { settingsJson } from "../settings/settings-file.js";
import { trainResultSchema } from "../train-result.js";
import type { RecipeUnderCheck } from "./in-process-check.js";

const workerCounts = [1, 3] as const;

/** For the runs of checkWorkersAgree; the caller removes it. @throws UserError where the temporary folder cannot be used */
export function makeRunsFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "lockstep-recipe-")).catch((error: Error) => {
    throw new UserError(`temporary folder ${tmpdir()}: ${error.message}; set TMPDIR to a folder that you may write to`);
  });
}

export async function checkWorkersAgree(
  options: RecipeUnderCheck & { readonly steps: number; readonly folder: string },
): Promise<RuleResult> {
  const { folder, steps } = options;
  const rule = `1 and 3 workers have the same weights after ${steps} steps`;
  const hashes: string[] = [];
  for (const workers of workerCounts) {
    const ended = await trainWith({ ...options, workers, out: join(folder, `workers-${workers}`) });
    options.signal.throwIfAborted();
    if ("problem" in ended) return { rule, problem: `training with ${workers} fails: ${ended.problem}` };
    hashes.push(ended.weightsSha256);
  }
  const [one = "", three = ""] = hashes;
  if (one === three) return { rule, problem: null };
  const problem = `their SHA-256 is ${one.slice(0, 12)} with 1 worker and ${three.slice(0, 12)} with 3: something differs from process to process; see the rules above`;
  return { rule, problem };
}

async function trainWith(
  run: RecipeUnderCheck & { readonly steps: number; readonly workers: number; readonly out: string },
): Promise<{ readonly weightsSha256: string } | { readonly problem: string }> {
  const lines: string[] = [];
  const child = startChild({
    args: ["train", "--config", "-"],
    stdin: settingsJson(inputsOf(run)),
    onLine: (line) => lines.push(line),
  });
  const stop = () => child.process.kill("SIGTERM");
  run.signal.addEventListener("abort", stop);
  try {
    const end = await child.exit;
    const result = lines.findLast((line) => line.startsWith("{"));
    if (end.code !== 0 || result === undefined) return { problem: describeExit(end) };
    return trainResultSchema.parse(JSON.parse(result));
  } finally {
    run.signal.removeEventListener("abort", stop);
  }
}

function inputsOf(
  run: RecipeUnderCheck & { readonly steps: number; readonly workers: number; readonly out: string },
): Inputs<typeof launchSettings & typeof keptSettings> {
  const { recipe, recipeOptions, dataOptions, imageSize, backend, device, cacheDir, out, workers, steps } = run;
  return {
    ...{ json: true, out, recipe, recipeOptions, ...dataOptions, cacheDir, imageSize, backend, device, workers },
    ...{ maxSteps: steps, lr: 0.001 },
    // Three micro-batches a step: one for each of three workers.
    ...{ microBatch: 4, globalBatch: 12 },
  };
}
