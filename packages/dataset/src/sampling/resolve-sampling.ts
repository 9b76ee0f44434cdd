// Computes the sampling weights of the training part, for a new run (requestedSampling) or from a run spec
// (specifiedSampling).
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

/**
 * Computes the weights that the user requests for a new run.
 * @param train samples of the training part
 * @throws UserError if the weights file or a named label cannot be used
 */
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
 * Computes the weights that the run spec requires, in coordinator and workers. Returns null for uniform sampling.
 * @param options.train samples of the training part
 * @param options.weightsFile path of the weights file on this machine; needed only if the run spec uses such a file
 * @throws UserError if the weights differ from those of the run, or if the file is needed and not given
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
      `the run uses a weights file (SHA-256 ${sampling.sha256.slice(0, 12)}…): name the file (--sampling FILE.csv)`,
    );
  }
  const found = weightsSampling(await readWeights(weightsFile, dataset, train));
  if (found.sampling.kind === "weights" && found.sampling.sha256 === sampling.sha256) return found.weights;
  throw new UserError(
    `weights file ${weightsFile}: its weights are not those of the run (SHA-256 ${sampling.sha256.slice(0, 12)}…); name the file that the run was started with (--sampling)`,
  );
}
