// Writes an opened data set in another form (convertDataset). The bytes of the images are kept, so the fingerprint, the
// plan and the results of a run stay the same.
import { type EncodedDataset, labelsOf } from "@lockstep/dataset";
import { type WriteFormOptions, type WrittenDataset, writeForm } from "./write-form.js";

/**
 * @throws UserError if `out` exists and is not an empty folder, if it cannot be written, or if the form cannot hold the
 * data
 */
export async function convertDataset(dataset: EncodedDataset, options: WriteFormOptions): Promise<WrittenDataset> {
  const { labels, origin } = dataset;
  const images = Array.from(origin, (part, sample) => ({
    name: dataset.imageName(sample),
    origin: part,
    labels: labelsOf(labels, sample),
  }));
  const written = await writeForm({ schema: labels.schema, images, read: dataset.readEncoded }, options);
  if (written.fingerprint === dataset.fingerprint) return written;
  throw new Error(`${options.to} has fingerprint ${written.fingerprint}, but the source has ${dataset.fingerprint}`);
}
