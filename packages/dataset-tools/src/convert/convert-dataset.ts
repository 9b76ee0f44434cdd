// Writes an opened data set in another form (convertDataset). The images' bytes are kept, and so are fingerprint, plan and bits.
import { type EncodedDataset, labelsOf } from "@lockstep/dataset";
import { type WriteFormOptions, type WrittenDataset, writeForm } from "./write-form.js";

/** @throws UserError where `out` is not free or the form cannot hold the data */
export async function convertDataset(dataset: EncodedDataset, options: WriteFormOptions): Promise<WrittenDataset> {
  const { labels, origin } = dataset;
  const images = Array.from(origin, (part, sample) => ({
    name: dataset.imageName(sample),
    origin: part,
    labels: labelsOf(labels, sample),
  }));
  const written = await writeForm({ schema: labels.schema, images, read: dataset.readEncoded }, options);
  if (written.fingerprint === dataset.fingerprint) return written;
  throw new Error(`${options.to} has fingerprint ${written.fingerprint}, its origin ${dataset.fingerprint}`);
}
