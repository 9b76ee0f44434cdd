// Reads every byte of a data set's images and decodes each (verifyImages): one finding for each image at which training would
// fail, or which `--on-bad-image skip` would leave out.

import { availableParallelism } from "node:os";
import { type EncodedDataset, imageProblem, mapBounded, type Progress, quoted } from "@lockstep/dataset";

/** One line for each image that is not what was indexed, or cannot be decoded; in canonical order. */
export async function verifyImages(options: {
  readonly dataset: EncodedDataset;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}): Promise<string[]> {
  const { dataset, signal, onProgress } = options;
  const total = dataset.labels.numSamples;
  const findings = await mapBounded({
    items: Array.from({ length: total }, (_, sample) => sample),
    limit: availableParallelism() + 2, // some wait for the disk while the others decode
    signal,
    onDone: (done) => {
      if (done % 64 === 0 || done === total) onProgress?.({ stage: "verifying", done, total });
    },
    work: async (sample) => {
      try {
        const name = dataset.imageName(sample);
        const problem = await imageProblem(await dataset.readEncoded(sample), name);
        return problem === null ? null : `image ${quoted(name)} ${problem}`;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  });
  return findings.filter((finding) => finding !== null);
}
