// Computes the weights of the training part, for a new run (requestedSampling) or as a run spec states (specifiedSampling).
import { UserError } from "@lockstep/errors";
import type { Dataset } from "../dataset.js";
import {
  balancedSampling,
  type ResolvedSampling,
  type Sampling,
  type SamplingRequest,
  weightsSampling,
} from "./sampling.js";
import { readWeights } from "./weights-file.js";

/** For a new run. @param train samples of the training part */
export async function requestedSampling(
  request: SamplingRequest,
  dataset: Dataset,
  train: Uint32Array,
): Promise<ResolvedSampling> {
  if (request.kind === "uniform") return { sampling: request, weights: null };
  if (request.kind === "balanced") return balancedSampling(dataset.labels, train, request.by);
  return weightsSampling(await readWeights(request.path, dataset, train));
}

/**
 * For a process that is to sample as the run spec says.
 * @param weightsFile where this process has the file of weights; only asked for where the spec names one
 * @throws UserError where the weights are others than the run's
 */
export async function specifiedSampling(
  sampling: Sampling,
  dataset: Dataset,
  options: { readonly train: Uint32Array; readonly weightsFile: string | null },
): Promise<Float64Array | null> {
  const { train, weightsFile } = options;
  if (sampling.kind === "uniform") return null;
  if (sampling.kind === "balanced") return balancedSampling(dataset.labels, train, sampling.by).weights;
  if (weightsFile === null) {
    throw new UserError(
      `the run samples by a file of weights (SHA-256 ${sampling.sha256.slice(0, 12)}): name it (--sampling FILE.csv)`,
    );
  }
  const found = weightsSampling(await readWeights(weightsFile, dataset, train));
  if (found.sampling.kind === "weights" && found.sampling.sha256 === sampling.sha256) return found.weights;
  throw new UserError(
    `weights file ${weightsFile}: holds other weights than the run's (SHA-256 ${sampling.sha256.slice(0, 12)}); give the file that the run was started with`,
  );
}
