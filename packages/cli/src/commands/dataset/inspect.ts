// Owns `lockstep dataset inspect`: what is in a data set, before anybody trains on it.
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { writeDurably } from "@lockstep/checkpoint";
import { type Dataset, defaultCacheDir, openDataset, partNames, type Split, splitDataset } from "@lockstep/dataset";
import { contactSheet, findDuplicates, surveyImages, takeCensus } from "@lockstep/dataset-tools";
import { UserError } from "@lockstep/errors";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { dataOptionsOf } from "../../data-flags.js";
import { addFlags, type Options, parseOptions } from "../../flags.js";
import { type Inspection, inspectionText } from "../../inspection/inspection-text.js";
import { createDisplay } from "../../progress/display.js";
import { dataOfRecipe } from "../../run-recipe.js";

const names = [
  ...["data", "columns", "repairLabels", "recipe", "split", "subset", "seed"],
  ...["contactSheet", "sheetSize", "force", "cacheDir", "json", "logLevel"],
] as const;
type InspectOptions = Options<(typeof names)[number]>;

const examples = `
Examples:
  $ lockstep dataset inspect --data fairface
  $ lockstep dataset inspect --data fairface --split random --seed 7 --json
  $ lockstep dataset inspect --contact-sheet s.png --sheet-size 6x10
`;

export function addDatasetInspectCommand(parent: Command): void {
  const command = parent.command("inspect").description("count images by part and label, find duplicates, draw some");
  addFlags(command, names).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => inspect(parseOptions(raw, names)));
}

async function inspect(options: InspectOptions): Promise<void> {
  const { split: kind = "official", subset = 1, seed = 0 } = options;
  const sheetPath = options.contactSheet === undefined ? null : await freePath(options.contactSheet, options.force);
  const display = createDisplay();
  const log = createLogger({ name: "dataset", level: options.logLevel, stderr: display.stderr });
  const shutdown = createShutdown({ log });
  try {
    const { signal } = shutdown;
    const onProgress = display.preparing.bind(display);
    // What cannot be used is part of the answer.
    const dataOptions = dataOptionsOf({ ...options, onBadImage: "skip" }, null);
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
    if (sheetPath !== null)
      await writeSheet(sheetPath, dataset, split, { ...options, seed, signal, note: display.note });
    display.close();
    const result: Inspection = {
      data: dataOptions.data,
      kind: dataset.kind,
      fingerprint: dataset.fingerprint,
      split: kind,
      census: takeCensus(dataset.labels, split),
      duplicates: findDuplicates(dataset),
      files,
      skipped: dataset.skipped,
      unlabelled: dataset.unlabelled,
      contactSheet: sheetPath,
    };
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : inspectionText(result));
  } finally {
    display.close();
    shutdown.dispose();
  }
}

async function writeSheet(
  path: string,
  dataset: Dataset,
  split: Split,
  options: Pick<InspectOptions, "sheetSize"> & { seed: number; signal: AbortSignal; note: (line: string) => void },
): Promise<void> {
  const samples = Uint32Array.from(partNames.flatMap((part) => [...split[part]]));
  const { seed, signal, note } = options;
  const { png, captioned } = await contactSheet({ dataset, samples, ...options.sheetSize, seed, signal });
  if (!captioned) note("the contact sheet has no captions: this machine has no fonts");
  await writeDurably(path, png);
}

/** What cannot be written is refused before the work, not after. */
async function freePath(path: string, force: boolean): Promise<string> {
  const folder = await stat(dirname(resolve(path))).catch(() => null);
  if (!folder?.isDirectory()) throw new UserError(`--contact-sheet ${path}: its folder does not exist; make it first`);
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) throw new UserError(`--contact-sheet ${path}: is a folder; name a file in it`);
  if (there !== null && !force) {
    throw new UserError(`--contact-sheet ${path}: exists; choose another name, or replace it (--force)`);
  }
  return resolve(path);
}
