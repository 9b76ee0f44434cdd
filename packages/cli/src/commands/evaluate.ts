// `addEvaluateCommand` adds `lockstep evaluate`, which measures a checkpoint's weights on a part of its data set.
import { basename, dirname, resolve } from "node:path";
import { defaultCacheDir } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { chooseCheckpoint, evaluateCheckpoint, isCheckpoint, renderReport } from "@lockstep/report";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { dataOptionsOf } from "../data-options.js";
import { bestOrLast } from "../initial-weights.js";
import { assertNotInData, prepareOutputFile } from "../output-file.js";
import { addRunArgument } from "../path-values.js";
import { createDisplay } from "../progress/display.js";
import { dataOptionsIn, readLaunch, readRunDescription, requireRun, runFiles } from "../run-folder.js";
import { select } from "../settings/all-settings.js";
import { addSettings, parseGiven, parseSettings } from "../settings/command-settings.js";
import { dataSettings } from "../settings/declared/data.js";
import type { Given, Values } from "../settings/setting.js";

const settings = {
  ...select("checkpoint", "part", "bootstrap", "predictions", "force"),
  ...select("backend", "device", "json", "logLevel"),
};
/** A setting of these that is not given has the run's value. */
const runSettings = { ...dataSettings, ...select("recipe", "cacheDir") };

const examples = `
Examples:
  $ lockstep evaluate runs/faces                best checkpoint, validation part
  $ lockstep evaluate runs/faces --part test --json
  $ lockstep evaluate runs/faces --predictions each-face.csv
  $ lockstep evaluate --checkpoint runs/faces/checkpoints/step-00000300
`;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command("evaluate")
    .description("measure a checkpoint: accuracy, precision, recall, F1, confusion matrices, age errors");
  addRunArgument(command, "[out]", "the run's folder; not needed if --checkpoint names a folder");
  const asTheRun = Object.entries(runSettings).map(([name, one]) => [name, { ...one, defaultText: "the run's" }]);
  addSettings(command, settings);
  addSettings(command, Object.fromEntries(asTheRun)).addHelpText("after", examples);
  command.action((out: string | undefined, raw: Record<string, unknown>) =>
    evaluate(out, { ...parseSettings(raw, settings), ...parseGiven(raw, runSettings) }),
  );
}

async function evaluate(
  out: string | undefined,
  options: Values<typeof settings> & Given<typeof runSettings>,
): Promise<void> {
  if (out !== undefined) {
    if (await isCheckpoint(out)) {
      throw new UserError(
        `${out}: is a checkpoint's folder, not a run's; write: lockstep evaluate --checkpoint ${out}`,
      );
    }
    await requireRun(out);
  }
  const { part, backend, device, json, bootstrap } = options;
  const { predictions: path, force } = options;
  const predictions = path === undefined ? null : await prepareOutputFile({ flag: "--predictions", path, force });
  const display = createDisplay();
  const log = createLogger({ name: "evaluate", level: options.logLevel, stderr: display.stderr });
  const place = await checkpointOf(out, options.checkpoint);
  const launch = await readLaunch(out ?? runAround(place.checkpoint));
  if (options.data === undefined && launch === null) {
    await chooseCheckpoint(place.checkpoint, "last"); // throws if the path is not a checkpoint: --data would not help
    throw new UserError(
      `${place.checkpoint}: no ${runFiles.launch} in its run's folder tells where the images are; give --data`,
    );
  }
  const dataOptions = dataOptionsOf(options, launch === null ? null : dataOptionsIn(launch));
  if (predictions !== null) await assertNotInData("--predictions", predictions.path, dataOptions.data);
  const shutdown = createShutdown({ log });
  try {
    const { report, predictionsCsv } = await evaluateCheckpoint({
      ...place,
      dataOptions,
      recipe: options.recipe ?? launch?.recipe ?? undefined,
      ...{ part, backend, device, log, resamples: bootstrap },
      cacheDir: resolve(options.cacheDir ?? launch?.cacheDir ?? defaultCacheDir()),
      signal: shutdown.signal,
      onProgress: (progress) => display.preparing(progress),
    });
    display.close();
    await predictions?.write(new TextEncoder().encode(predictionsCsv()));
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : renderReport(report));
  } finally {
    display.close();
    shutdown.dispose();
  }
}

/** @param path a run's folder, or a checkpoint in it. @returns the run's folder */
function runAround(path: string): string {
  if (basename(path) === runFiles.checkpoints) return dirname(path);
  return basename(dirname(path)) === runFiles.checkpoints ? dirname(dirname(path)) : path;
}

async function checkpointOf(out: string | undefined, checkpoint: string | undefined) {
  if (checkpoint !== undefined && checkpoint !== "best" && checkpoint !== "last") {
    if ((await readRunDescription(checkpoint)) !== null) {
      throw new UserError(
        `--checkpoint ${checkpoint}: is a run's folder, not a checkpoint's; write: lockstep evaluate ${checkpoint}`,
      );
    }
    return { checkpoint: resolve(checkpoint) };
  }
  if (out === undefined)
    throw new UserError(
      "the run's folder is needed, or --checkpoint with a checkpoint's folder (lockstep evaluate runs/first)",
    );
  const choice = checkpoint ?? (await bestOrLast(resolve(out)));
  return { checkpoint: resolve(out), choice } as const;
}
