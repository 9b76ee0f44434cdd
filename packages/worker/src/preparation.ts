// prepareRun() prepares a worker for a run spec before it joins: it opens the data set, splits it, binds the recipe and
// creates the layout. It compares each with the spec, so that an error names the part that differs.
import { createHash } from "node:crypto";
import {
  type DataOptions,
  type ImageCache,
  openDataset,
  openImageCache,
  seenInTraining,
  specifiedSampling,
  splitDataset,
} from "@lockstep/dataset";
import { type Log, UserError } from "@lockstep/errors";
import {
  createLayout,
  type GetRunResponse,
  PROTOCOL_VERSION,
  type RunSpec,
  runSpec,
  type TensorLayout,
} from "@lockstep/protocol";
import { type BackendChoice, type DeviceChoice, loadRunRecipe } from "@lockstep/recipe";
import type { Logger } from "pino";
import { SampleSource } from "./sample-source.js";
import type { ThreadSetup } from "./thread-messages.js";

export interface PreparedRun {
  readonly spec: RunSpec;
  /** SHA-256 (hex) of the spec's text as the coordinator sent it. */
  readonly specSha256: string;
  readonly datasetFingerprint: string;
  readonly layout: TensorLayout;
  readonly source: SampleSource;
  readonly threadSetup: ThreadSetup;
  /** Opens the image cache, and builds it if needed, which is slow. The caller closes it. */
  openCache(): Promise<ImageCache>;
}

/**
 * @throws UserError if the coordinator has another protocol version, or if the spec is not valid in this release
 * @throws Error if the spec's SHA-256 is not the one that the coordinator sent
 */
export function parseRun(response: GetRunResponse): { readonly spec: RunSpec; readonly specSha256: string } {
  const { protocolVersion, runSpecJson, runSpecSha256 } = response;
  if (protocolVersion !== PROTOCOL_VERSION) {
    throw new UserError(
      `the coordinator has protocol version ${protocolVersion}, this worker has ${PROTOCOL_VERSION}; install the same release on both`,
    );
  }
  const specSha256 = createHash("sha256").update(runSpecJson).digest("hex");
  if (specSha256 !== runSpecSha256) {
    throw new Error(
      `the received run spec has SHA-256 ${specSha256}, but the coordinator sent ${runSpecSha256} for it`,
    );
  }
  const parsed = runSpec.safeParse(JSON.parse(runSpecJson));
  if (parsed.success) return { spec: parsed.data, specSha256 };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  throw new UserError(
    `the run spec is not valid in this worker's release (${problems}); install the coordinator's release`,
  );
}

/**
 * @throws UserError if this machine's data set, recipe or sampling weights are not the run's
 * @throws Error if the split has other sizes than in the run spec
 */
export async function prepareRun(options: {
  readonly run: GetRunResponse;
  /** The place of the images on this machine. */
  readonly dataOptions: DataOptions;
  /** Path of the file of sampling weights, for a run that has one; null, the default: no file. */
  readonly weightsFile?: string | null | undefined;
  /** The run's recipe on this machine, a file or a package; not needed for a built-in recipe. */
  readonly recipe?: string | undefined;
  readonly cacheDir: string;
  readonly backend: BackendChoice;
  readonly device?: DeviceChoice | undefined;
  readonly log: Logger;
  /** Gets the messages about the data set; default: `log`. */
  readonly dataLog?: Log | undefined;
  readonly signal: AbortSignal;
}): Promise<PreparedRun> {
  const { run, dataOptions, weightsFile = null, cacheDir, backend, device, log, dataLog = log, signal } = options;
  const { spec, specSha256 } = parseRun(run);
  const { imageSize } = spec;
  const definition = await loadRunRecipe(spec.recipe, options.recipe);
  const dataset = await openDataset({
    ...dataOptions,
    schema: definition.labels,
    source: definition.source,
    cacheDir,
    log: dataLog,
    signal,
  });
  if (dataset.fingerprint !== spec.dataset.fingerprint) {
    throw new UserError(
      `data ${dataOptions.data}: fingerprint ${dataset.fingerprint} (${dataset.kind}, ${dataset.labels.numSamples} images), but the run's data set has ${spec.dataset.fingerprint} (${spec.dataset.kind}); give this worker the same images and labels, and the same options for reading them (--data, --columns, --repair-labels, --on-bad-image)`,
    );
  }
  const { split, subset, samples } = spec.dataset;
  const parts = splitDataset(dataset, { split, subset, seed: spec.seed, log: dataLog });
  for (const part of ["train", "val", "test"] as const) {
    if (parts[part].length !== samples[part]) {
      throw new Error(`the ${part} part has ${parts[part].length} samples here, ${samples[part]} in the run spec`);
    }
  }
  const samplingWeights = await specifiedSampling(spec.sampling ?? { kind: "uniform" }, dataset, {
    train: parts.train,
    weightsFile,
  });
  const bound = { imageSize, labels: dataset.labels, trainingSamples: parts.train };
  const recipe = definition.bind({ options: spec.recipe.options, ...bound });
  return {
    spec,
    specSha256,
    datasetFingerprint: dataset.fingerprint,
    layout: createLayout(recipe.tensors),
    source: new SampleSource({ spec, parts, samplingWeights, recipe }),
    threadSetup: { backend, device, recipe: spec.recipe, recipeReference: definition.reference, ...bound },
    openCache: () => openImageCache({ dataset, samples: seenInTraining(parts), imageSize, cacheDir, log, signal }),
  };
}
