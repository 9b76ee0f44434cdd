// Owns `lockstep dataset verify`: reads every byte and decodes every image, so that a training is not stopped by one.
import { resolve } from "node:path";
import {
  type Dataset,
  type DuplicateGroup,
  defaultCacheDir,
  findDuplicates,
  openDataset,
  verifyImages,
} from "@lockstep/dataset";
import { createLogger, createShutdown } from "@lockstep/service";
import type { Command } from "commander";
import { dataOptionsOf } from "../../data-flags.js";
import { addFlags, type Options, parseOptions } from "../../flags.js";
import { duplicateLine } from "../../inspection/inspection-text.js";
import { createDisplay } from "../../progress/display.js";
import { dataOfRecipe } from "../../run-recipe.js";

const names = ["data", "columns", "repairLabels", "recipe", "split", "cacheDir", "json", "logLevel"] as const;

const examples = `
Examples:
  $ lockstep dataset verify --data fairface        exit code 1: see the lines
  $ lockstep dataset verify --data fairface --split random
`;

interface Verification {
  readonly data: string;
  readonly fingerprint: string;
  readonly images: number;
  /** One line each; none: the data set is sound. */
  readonly problems: readonly string[];
  /** Worth knowing, and harmless to a training. */
  readonly notes: readonly string[];
}

export function addDatasetVerifyCommand(parent: Command): void {
  const command = parent.command("verify").description("read and decode every image, check labels and duplicates");
  addFlags(command, names).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => verify(parseOptions(raw, names)));
}

async function verify(options: Options<(typeof names)[number]>): Promise<void> {
  const display = createDisplay();
  const log = createLogger({ name: "dataset", level: options.logLevel, stderr: display.stderr });
  const shutdown = createShutdown({ log });
  try {
    const { signal } = shutdown;
    const onProgress = display.preparing.bind(display);
    const dataOptions = dataOptionsOf({ ...options, onBadImage: "skip" }, null); // to hear of all of them
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
      ...findingsOf(dataset, broken, options.split ?? "official"),
    };
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : verificationText(result));
    if (result.problems.length > 0) process.exitCode = 1;
  } finally {
    display.close();
    shutdown.dispose();
  }
}

function findingsOf(
  dataset: Dataset,
  broken: readonly string[],
  split: "official" | "random",
): Pick<Verification, "problems" | "notes"> {
  const groups = findDuplicates(dataset);
  // A random split takes one of each and draws its parts then.
  const leaks = split === "official" ? groups.filter(({ acrossParts }) => acrossParts) : [];
  const others = groups.filter((group) => !leaks.includes(group));
  return {
    problems: [
      ...dataset.skipped.map(({ name, namedAt, problem }) => `${namedAt}: image "${name}" ${problem}`),
      ...broken,
      ...leaks.map((group) => `the same image in two parts: ${textOf(group)}; --split random takes one of them`),
    ],
    notes: [
      ...others.map((group) => `the same image twice: ${textOf(group)}`),
      ...dataset.unlabelled.map((name) => `image "${name}" has no labels and is left out`),
    ],
  };
}

function textOf(group: DuplicateGroup): string {
  return duplicateLine({ ...group, acrossParts: false }).trim();
}

function verificationText({ data, images, fingerprint, problems, notes }: Verification): string {
  const verdict = problems.length === 0 ? "sound" : `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  return [
    ...problems,
    ...notes.map((note) => `note: ${note}`),
    `${data}: ${images} images, fingerprint ${fingerprint.slice(0, 12)}: ${verdict}`,
    "",
  ].join("\n");
}
