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
  /** The labels that the recipe declares; default: FairFace's. */
  readonly schema?: LabelSchema | undefined;
  /** The recipe's own source of the data; default: the forms that Lockstep can read. */
  readonly source?: ((context: SourceContext) => DatasetSource | Promise<DatasetSource>) | undefined;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the labels and hashes the images.
 * @throws UserError if the labels or the images cannot be used
 */
export async function openDataset(options: OpenDatasetOptions): Promise<Dataset> {
  const { schema = fairfaceLabels, log, onProgress, signal } = options;
  const { data, columns: columnMap, repairLabels, onBadImage } = parseDataOptions(options);
  checkLabelSchema(schema);
  if (isSynthetic(data)) return syntheticDataset({ numSamples: syntheticSize(data), schema });
  const columns = dataColumns(schema, columnMap);
  const path = await realpath(data).catch(() => resolve(data)); // the code below reports an absent path
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

/**
 * Draws the parts of a run. It logs how many duplicates were removed, and warns if validation or test images are also
 * in the training part, or if the validation part is empty.
 * @throws UserError if the subset is not in (0, 1]
 */
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
      "the data has no validation part: training continues without one; --split random draws one",
    );
  }
  if (leaked > 0) {
    const evaluated = parts.test === 0 ? "validation images" : "validation and test images";
    settings.log?.warn(
      { leaked },
      `the training part also holds ${leaked} of the ${parts.val + parts.test} ${evaluated}; --split random removes such duplicates`,
    );
  }
  return split;
}

/** Whether the value of --data names the embedded data set and is not a path. */
export function isSynthetic(data: string): boolean {
  return data === "synthetic" || data.startsWith("synthetic:");
}

/** Fills in defaults. It picks the data options out of the caller's object, which may hold further keys. */
function parseDataOptions({ data, columns, repairLabels, onBadImage }: DataOptions) {
  return dataOptions.parse({ data, columns, repairLabels, onBadImage });
}

function syntheticSize(data: string): number {
  if (data === "synthetic") return defaultSyntheticSamples;
  const size = data.slice("synthetic:".length);
  if (!/^[1-9][0-9]{0,6}$/.test(size)) {
    throw new UserError(
      `data ${data}: "${size}" is not a number of images; write synthetic:N with N from 1 to 9999999 (--data)`,
    );
  }
  return Number(size);
}
