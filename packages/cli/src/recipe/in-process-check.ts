// `checkInProcess` runs `checkRecipe` with the recipe's data, some training images and an engine.
import { dirname } from "node:path";
import {
  type DataOptions,
  openDataset,
  openImageCache,
  type Progress,
  seenInTraining,
  splitDataset,
} from "@lockstep/dataset";
import {
  type BackendChoice,
  checkRecipe,
  type DeviceChoice,
  loadEngine,
  loadRecipe,
  type RuleResult,
  requireBackend,
} from "@lockstep/recipe";
import type { Logger } from "pino";

export interface RecipeUnderCheck {
  /** A file's path, a package's name, or a built-in's. */
  readonly recipe: string;
  readonly recipeOptions: Readonly<Record<string, unknown>>;
  readonly dataOptions: DataOptions;
  readonly imageSize: number;
  readonly backend: BackendChoice;
  readonly device: DeviceChoice;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}

/** Enough for two unequal micro-batches, few enough for tfjs' plain JavaScript. */
const numImages = 7;

/** @throws UserError if the recipe or the data cannot be used */
export async function checkInProcess(
  options: RecipeUnderCheck & { readonly log: Logger; readonly onProgress: (progress: Progress) => void },
): Promise<RuleResult[]> {
  const { dataOptions, imageSize, cacheDir, backend, device, log, onProgress, signal } = options;
  await requireBackend(backend, device);
  const definition = await loadRecipe(options.recipe);
  const { labels: schema, source } = definition;
  const common = { cacheDir, log, onProgress, signal };
  const dataset = await openDataset({ ...dataOptions, schema, source, ...common });
  const split = splitDataset(dataset, { split: "official", subset: 1, seed: 0, log });
  const cache = await openImageCache({ dataset, samples: seenInTraining(split), imageSize, ...common });
  try {
    const samples = split.train.slice(0, numImages);
    const imageBytes = imageSize ** 2 * 3;
    const pixels_BHWC = new Uint8Array(samples.length * imageBytes);
    await Promise.all(Array.from(samples, (sample, b) => cache.read(sample, pixels_BHWC, b * imageBytes)));
    const engine = await loadEngine({ backend, device, log });
    try {
      return checkRecipe({
        ...{ definition, options: options.recipeOptions, engine, imageSize, samples, pixels_BHWC },
        labels: dataset.labels,
        trainingSamples: split.train,
        folder: definition.sha256 === null ? null : dirname(definition.reference),
      });
    } finally {
      engine.dispose();
    }
  } finally {
    await cache.close();
  }
}
