// Writes the embedded data set as PNG files (writeSynthetic). PNG is lossless, so a reader gets the generated pixels if
// it uses the same image size.
import { type GeneratedDataset, labelsOf } from "@lockstep/dataset";
import { type WriteFormOptions, type WrittenDataset, writeForm } from "./write-form.js";

export interface WriteSyntheticOptions extends WriteFormOptions {
  /** Pixels per side. */
  readonly imageSize: number;
}

/** @throws UserError if `out` exists and is not an empty folder, or if it cannot be written */
export async function writeSynthetic(
  dataset: GeneratedDataset,
  { imageSize, ...options }: WriteSyntheticOptions,
): Promise<WrittenDataset> {
  const { default: sharp } = await import("sharp");
  const { labels, origin } = dataset;
  const raw = { width: imageSize, height: imageSize, channels: 3 } as const;
  const images = Array.from(origin, (part, sample) => ({
    name: dataset.imageName(sample),
    origin: part,
    labels: labelsOf(labels, sample),
  }));
  const read = async (sample: number): Promise<Uint8Array> => {
    const pixels = new Uint8Array(imageSize * imageSize * 3);
    dataset.generate(sample, imageSize, pixels, 0);
    return sharp(pixels, { raw }).png().toBuffer();
  };
  return writeForm({ schema: labels.schema, images, read }, options);
}
