// Opens the data set that the user names with --data (openDataset), and draws its parts (splitDataset).
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { type Log, UserError } from "@lockstep/errors";
import { checkCacheOutside } from "./cache-dir.js";
import { type DataOptions, dataOptions } from "./data-options.js";
import type { Dataset, DatasetSource, Progress, SourceContext } from "./dataset.js";
import { encodedDataset } from "./encoded-dataset.js";
import { fairfaceLabels } from "./fairface/fairface-labels.js";
import { dataColumns } from "./forms/data-columns.js";
import { dataForm } from "./forms/data-form.js";
import type { FormOptions } from "./forms/form-options.js";
import { openForm } from "./forms/open-form.js";
import { LabelRepairs } from "./labels/label-repairs.js";
import { checkLabelSchema, type LabelSchema } from "./labels/label-schema.js";
import { drawSplit, type Split, type SplitSettings } from "./plan/split.js";
import { defaultSyntheticSamples, syntheticDataset } from "./synthetic/synthetic-dataset.js";

export interface OpenDatasetOptions extends DataOptions {
  /** The labels that the recipe asks for; FairFace's where absent. */
  readonly schema?: LabelSchema | undefined;
  /** The recipe's own way to read the data; absent: the forms that Lockstep knows. */
  readonly source?: ((context: SourceContext) => DatasetSource | Promise<DatasetSource>) | undefined;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the labels and hashes the images; UserError in one line where either is unusable. */
export async function openDataset(options: OpenDatasetOptions): Promise<Dataset> {
  const { schema = fairfaceLabels, log, onProgress, signal } = options;
  const { data, columns: columnMap, repairLabels, onBadImage } = parseDataOptions(options);
  checkLabelSchema(schema);
  if (isSynthetic(data)) return syntheticDataset({ numSamples: syntheticSize(data), schema });
  const columns = dataColumns(schema, columnMap);
  const path = await realpath(data).catch(() => resolve(data)); // an absent path is complained about below
  const cacheDir = resolve(options.cacheDir);
  await checkCacheOutside(cacheDir, path);
  const common = { cacheDir, log, onProgress, signal };
  const repairs = repairLabels ? new LabelRepairs() : undefined;
  const opened =
    options.source === undefined
      ? await knownForm(path, { columns, repairs, ...common })
      : {
          form: "the recipe's own",
          source: await options.source({ data: path, schema: columns.labels, columns: columnMap, ...common }),
        };
  const { form, source } = opened;
  const dataset = await encodedDataset({ source, schema, onBadImage, ...common });
  repairs?.report(log);
  log.info(
    { data: path, form, samples: dataset.labels.numSamples, fingerprint: dataset.fingerprint },
    "opened the data set",
  );
  return dataset;
}

async function knownForm(path: string, options: FormOptions): Promise<{ form: string; source: DatasetSource }> {
  const form = await dataForm(path);
  return { form: form.kind, source: await openForm(form, options) };
}

/** The parts of a run; says what was removed or leaks. UserError where a needed part is empty. */
export function splitDataset(dataset: Dataset, settings: SplitSettings & { readonly log?: Log }): Split {
  const split = drawSplit(dataset, settings);
  const { duplicatesRemoved, leaked } = split;
  const parts = { train: split.train.length, val: split.val.length, test: split.test.length };
  settings.log?.info(
    { split: settings.split, subset: settings.subset, ...parts, duplicatesRemoved },
    "split the data set",
  );
  if (settings.split === "official" && parts.val === 0) {
    settings.log?.warn(
      { parts },
      "the data has no validation part: training goes on without one; --split random draws one",
    );
  }
  if (leaked > 0) {
    const judged = parts.test === 0 ? "validation images" : "validation and test images";
    settings.log?.warn(
      { leaked },
      `the training part holds ${leaked} of the ${parts.val + parts.test} ${judged} too; --split random removes such duplicates`,
    );
  }
  return split;
}

/** Whether the name means the embedded data set, and no path. */
export function isSynthetic(data: string): boolean {
  return data === "synthetic" || data.startsWith("synthetic:");
}

/** The options without what else a caller's object holds, defaults filled in. */
function parseDataOptions({ data, columns, repairLabels, onBadImage }: DataOptions) {
  return dataOptions.parse({ data, columns, repairLabels, onBadImage });
}

function syntheticSize(data: string): number {
  if (data === "synthetic") return defaultSyntheticSamples;
  const size = data.slice("synthetic:".length);
  if (!/^[1-9][0-9]{0,6}$/.test(size)) {
    throw new UserError(
      `data ${data}: "${size}" is no number of images; write synthetic:N with N from 1 to 9999999 (--data)`,
    );
  }
  return Number(size);
}
