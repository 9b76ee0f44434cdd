// Writes the embedded data set as real files (writeSynthetic): PNG, so that at the same size each pixel is read as it was drawn.
import { type GeneratedDataset, labelsOf } from "@lockstep/dataset";
import { type WriteFormOptions, type WrittenDataset, writeForm } from "./write-form.js";

export interface WriteSyntheticOptions extends WriteFormOptions {
  /** Pixels a side. */
  readonly imageSize: number;
}

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
