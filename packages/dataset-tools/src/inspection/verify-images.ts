// Reads and decodes every image of a data set (verifyImages). It reports each image that training would fail on, or
// that `--on-bad-image skip` would leave out.
import { availableParallelism } from "node:os";
import { type EncodedDataset, imageProblem, mapBounded, type Progress, quoted } from "@lockstep/dataset";

/**
 * Returns one line for each image that has changed since the data set was opened or that cannot be decoded, in
 * canonical order.
 */
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
