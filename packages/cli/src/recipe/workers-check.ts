// Checks with `checkWorkersAgree` that one worker and three reach the same weights, by real runs of `lockstep train`.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import type { RuleResult } from "@lockstep/recipe";
import { dataArguments } from "../data-flags.js";
import { describeExit, startChild } from "../launcher/child.js";
import type { RecipeUnderCheck } from "./in-process-check.js";

const workerCounts = [1, 3] as const;
/** Three micro-batches a step: one for each of three workers. */
const batchFlags = ["--micro-batch", "4", "--global-batch", "12"];

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
  const child = startChild({ args: trainArguments(run), onLine: (line) => lines.push(line) });
  const stop = () => child.process.kill("SIGTERM");
  run.signal.addEventListener("abort", stop);
  try {
    const end = await child.exit;
    const result = lines.findLast((line) => line.startsWith("{"));
    if (end.code !== 0 || result === undefined) return { problem: describeExit(end) };
    return JSON.parse(result) as { weightsSha256: string }; // train --json, see TrainResult
  } finally {
    run.signal.removeEventListener("abort", stop);
  }
}

function trainArguments(
  run: RecipeUnderCheck & { readonly steps: number; readonly workers: number; readonly out: string },
): string[] {
  const optionValues = Object.entries(run.recipeOptions).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    ...["train", "--json", "--out", run.out],
    ...["--recipe", run.recipe],
    ...(optionValues.length > 0 ? ["--recipe-options", optionValues.join(",")] : []),
    ...dataArguments(run.dataOptions),
    ...["--cache-dir", run.cacheDir],
    ...["--image-size", String(run.imageSize)],
    ...["--backend", run.backend],
    ...["--device", run.device],
    ...["--workers", String(run.workers)],
    ...["--max-steps", String(run.steps)],
    ...["--lr", "0.001"],
    ...batchFlags,
  ];
}
