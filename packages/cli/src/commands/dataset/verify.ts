// `addDatasetVerifyCommand` adds `lockstep dataset verify`, which reads every byte and decodes every image.
import { resolve } from "node:path";
import { defaultCacheDir, openDataset } from "@lockstep/dataset";
import { verifyImages } from "@lockstep/dataset-tools";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { dataOptionsOf } from "../../data-options.js";
import { findingsOf, jsonOf, type Verification, verificationText } from "../../inspection/verification.js";
import { createDisplay } from "../../progress/display.js";
import { dataOfRecipe } from "../../run-recipe.js";
import { select } from "../../settings/all-settings.js";
import { addSettings, parseSettings } from "../../settings/command-settings.js";
import type { Values } from "../../settings/setting.js";

const settings = select("data", "columns", "repairLabels", "recipe", "split", "cacheDir", "json", "logLevel");

const examples = `
Examples:
  $ lockstep dataset verify --data fairface    exit code 1 if a problem is found
  $ lockstep dataset verify --data fairface --split random
`;

export function addDatasetVerifyCommand(parent: Command): void {
  const command = parent.command("verify").description("read and decode every image, and check labels and duplicates");
  addSettings(command, settings).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => verify(parseSettings(raw, settings)));
}

async function verify(options: Values<typeof settings>): Promise<void> {
  const display = createDisplay();
  const log = createLogger({ name: "dataset", level: options.logLevel, stderr: display.stderr });
  const shutdown = createShutdown({ log });
  try {
    const { signal } = shutdown;
    const onProgress = display.preparing.bind(display);
    const dataOptions = dataOptionsOf({ ...options, onBadImage: "skip" }, null); // the report lists all of them
    const cacheDir = resolve(options.cacheDir ?? defaultCacheDir());
    const dataset = await openDataset({
      ...dataOptions,
      ...(await dataOfRecipe(options.recipe)),
      cacheDir,
      log,
      onProgress,
      signal,
    });
    const broken = dataset.pixelSource === "generated" ? [] : await verifyImages({ dataset, signal, onProgress });
    display.close();
    const result: Verification = {
      data: dataOptions.data,
      fingerprint: dataset.fingerprint,
      images: dataset.labels.numSamples,
      ...findingsOf(dataset, broken, options.split),
    };
    process.stdout.write(options.json ? `${JSON.stringify(jsonOf(result))}\n` : verificationText(result));
    if (result.problems.length > 0) process.exitCode = 1;
  } finally {
    display.close();
    shutdown.dispose();
  }
}
