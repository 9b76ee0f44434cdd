// `addRecipeCheckCommand` adds `lockstep recipe check`, which reports the rules that a recipe follows or breaks.
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { defaultCacheDir } from "@lockstep/dataset";
import { exitCode } from "@lockstep/errors";
import type { RuleResult } from "@lockstep/recipe";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { colors } from "../../colors.js";
import { dataOptionsOf } from "../../data-options.js";
import { addPathArgument, recipeFile } from "../../path-values.js";
import { createDisplay } from "../../progress/display.js";
import { checkInProcess } from "../../recipe/in-process-check.js";
import { checkWorkersAgree, makeRunsFolder } from "../../recipe/workers-check.js";
import { select } from "../../settings/all-settings.js";
import { addSettings, parseSettings } from "../../settings/command-settings.js";
import { dataSettings } from "../../settings/declared/data.js";
import { type Values, withDefault } from "../../settings/setting.js";

const settings = {
  ...dataSettings,
  /** Enough generated images for some steps. */
  data: withDefault(dataSettings.data, "synthetic:64"),
  ...select("imageSize", "recipeOptions", "steps", "backend", "device", "cacheDir", "json", "logLevel"),
};

const examples = `
Examples:
  $ lockstep recipe check ./my-recipe.js        exit code 1 if a rule is broken
  $ lockstep recipe check ./pets.js --data pets --image-size 32
`;

export function addRecipeCheckCommand(parent: Command): void {
  const command = parent
    .command("check")
    .description("train some steps with 1 and 3 workers, compare the weights, and report broken rules");
  addPathArgument(command, "<recipe>", "a file, a package, or fairface", recipeFile);
  addSettings(command, settings).addHelpText("after", examples);
  command.action(async (recipe: string, raw: Record<string, unknown>) => {
    process.exitCode = await check(recipe, parseSettings(raw, settings));
  });
}

/** @returns the exit code. @throws UserError for a recipe or data that cannot be used at all */
async function check(recipe: string, options: Values<typeof settings>): Promise<number> {
  const display = createDisplay();
  const log = createLogger({ name: "recipe", level: options.logLevel, stderr: display.stderr });
  const shutdown = createShutdown({ log });
  const common = {
    recipe,
    recipeOptions: options.recipeOptions ?? {},
    dataOptions: dataOptionsOf(options, null),
    imageSize: options.imageSize,
    backend: options.backend,
    device: options.device,
    cacheDir: resolve(options.cacheDir ?? defaultCacheDir()),
    signal: shutdown.signal,
  };
  const folder = await makeRunsFolder();
  try {
    const results = await checkInProcess({ ...common, log, onProgress: (progress) => display.preparing(progress) });
    display.close();
    if (!options.json) process.stdout.write(results.map(line).join(""));
    const agreement = await checkWorkersAgree({ ...common, folder, steps: options.steps });
    process.stdout.write(options.json ? `${JSON.stringify([...results, agreement])}\n` : line(agreement));
    return [...results, agreement].every(({ problem }) => problem === null) ? exitCode.ok : exitCode.failure;
  } finally {
    await rm(folder, { recursive: true, force: true });
    display.close();
    shutdown.dispose();
  }
}

function line({ rule, problem }: RuleResult): string {
  return problem === null ? `${colors.green("ok  ")}  ${rule}\n` : `${colors.red("FAIL")}  ${rule}\n      ${problem}\n`;
}
