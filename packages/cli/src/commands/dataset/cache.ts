// `addDatasetCacheCommand` adds `lockstep dataset cache`, which decodes the images of a run before the run starts.
import { resolve } from "node:path";
import { defaultCacheDir, openDataset, openImageCache, seenInTraining, splitDataset } from "@lockstep/dataset";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { dataOptionsOf } from "../../data-options.js";
import { createDisplay } from "../../progress/display.js";
import { dataOfRecipe } from "../../run-recipe.js";
import { select } from "../../settings/all-settings.js";
import { addSettings, parseSettings } from "../../settings/command-settings.js";
import { dataSettings } from "../../settings/declared/data.js";
import type { Values } from "../../settings/setting.js";

const settings = {
  ...dataSettings,
  ...select("recipe", "split", "subset", "seed", "imageSize", "cacheDir", "json", "logLevel"),
};

const examples = `
Examples:
  $ lockstep dataset cache --data fairface      the images that \`train\` reads
  $ lockstep dataset cache --data fairface --image-size 96 --subset 0.03
`;

export function addDatasetCacheCommand(parent: Command): void {
  const command = parent.command("cache").description("decode the images of a run before it starts");
  addSettings(command, settings).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => cache(parseSettings(raw, settings)));
}

async function cache(options: Values<typeof settings>): Promise<void> {
  const { split, subset, seed, imageSize } = options;
  const display = createDisplay();
  const log = createLogger({ name: "dataset", level: options.logLevel, stderr: display.stderr });
  const shutdown = createShutdown({ log });
  try {
    const common = {
      cacheDir: resolve(options.cacheDir ?? defaultCacheDir()),
      log,
      onProgress: display.preparing.bind(display),
      signal: shutdown.signal,
    };
    const dataset = await openDataset({
      ...dataOptionsOf(options, null),
      ...(await dataOfRecipe(options.recipe)),
      ...common,
    });
    const samples = seenInTraining(splitDataset(dataset, { split, subset, seed, log }));
    const opened = await openImageCache({ dataset, samples, imageSize, ...common });
    await opened.close();
    display.close();
    const result = {
      path: opened.path,
      images: samples.length,
      skipped: dataset.skipped.length,
      built: opened.built,
      pixelsSha256: opened.pixelsSha256,
      datasetFingerprint: dataset.fingerprint,
    };
    const state = result.built ? "cached" : "found in the cache";
    process.stdout.write(
      options.json ? `${JSON.stringify(result)}\n` : `${result.images} images ${state}: ${result.path}\n`,
    );
  } finally {
    display.close();
    shutdown.dispose();
  }
}
