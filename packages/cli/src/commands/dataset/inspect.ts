// `addDatasetInspectCommand` adds `lockstep dataset inspect`, which reports what a data set contains.
import { resolve } from "node:path";
import { type Dataset, defaultCacheDir, openDataset, partNames, type Split, splitDataset } from "@lockstep/dataset";
import { contactSheet, countLabels, findDuplicates, surveyImages } from "@lockstep/dataset-tools";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { dataOptionsOf } from "../../data-options.js";
import { type Inspection, inspectionText } from "../../inspection/inspection-text.js";
import { assertNotInData, type OutputFile, prepareOutputFile } from "../../output-file.js";
import { createDisplay } from "../../progress/display.js";
import { dataOfRecipe } from "../../run-recipe.js";
import { select } from "../../settings/all-settings.js";
import { addSettings, parseSettings } from "../../settings/command-settings.js";
import type { Values } from "../../settings/setting.js";

const settings = {
  ...select("data", "columns", "repairLabels", "recipe", "split", "subset", "seed"),
  ...select("contactSheet", "sheetSize", "force", "cacheDir", "json", "logLevel"),
};
type InspectOptions = Values<typeof settings>;

const examples = `
Examples:
  $ lockstep dataset inspect --data fairface
  $ lockstep dataset inspect --data fairface --split random --seed 7 --json
  $ lockstep dataset inspect --contact-sheet s.png --sheet-size 6x10
`;

export function addDatasetInspectCommand(parent: Command): void {
  const command = parent
    .command("inspect")
    .description("count images by part and label, find duplicates, show some images");
  addSettings(command, settings).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => inspect(parseSettings(raw, settings)));
}

async function inspect(options: InspectOptions): Promise<void> {
  const { split: kind, subset, seed } = options;
  // The report lists images that cannot be used.
  const dataOptions = dataOptionsOf({ ...options, onBadImage: "skip" }, null);
  const { contactSheet: path, force } = options;
  const sheet = path === undefined ? null : await prepareOutputFile({ flag: "--contact-sheet", path, force });
  if (sheet !== null) await assertNotInData("--contact-sheet", sheet.path, dataOptions.data);
  const display = createDisplay();
  const log = createLogger({ name: "dataset", level: options.logLevel, stderr: display.stderr });
  const shutdown = createShutdown({ log });
  try {
    const { signal } = shutdown;
    const onProgress = display.preparing.bind(display);
    const cacheDir = resolve(options.cacheDir ?? defaultCacheDir());
    const dataset = await openDataset({
      ...dataOptions,
      ...(await dataOfRecipe(options.recipe)),
      cacheDir,
      log,
      onProgress,
      signal,
    });
    const split = splitDataset(dataset, { split: kind, subset, seed });
    const files = dataset.pixelSource === "generated" ? null : await surveyImages({ dataset, signal, onProgress });
    if (sheet !== null) await writeSheet(sheet, dataset, split, { ...options, seed, signal, note: display.note });
    display.close();
    const result: Inspection = {
      data: dataOptions.data,
      kind: dataset.kind,
      fingerprint: dataset.fingerprint,
      split: kind,
      counts: countLabels(dataset.labels, split),
      duplicates: findDuplicates(dataset),
      files,
      skipped: dataset.skipped,
      unlabelled: dataset.unlabelled,
      contactSheet: sheet?.path ?? null,
    };
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : inspectionText(result));
  } finally {
    display.close();
    shutdown.dispose();
  }
}

async function writeSheet(
  file: OutputFile,
  dataset: Dataset,
  split: Split,
  options: Pick<InspectOptions, "sheetSize"> & { seed: number; signal: AbortSignal; note: (line: string) => void },
): Promise<void> {
  const samples = Uint32Array.from(partNames.flatMap((part) => [...split[part]]));
  const { seed, signal, note } = options;
  const { png, captioned } = await contactSheet({ dataset, samples, ...options.sheetSize, seed, signal });
  if (!captioned) note("the contact sheet has no captions: this machine has no fonts");
  await file.write(png);
}
