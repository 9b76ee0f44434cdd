// Writes a folder of images for tests with `writeImageFolder`: the embedded data set as JPEG files with FairFace's label files. A
// test can damage, move or rename these files.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClassField, fairfaceLabels, labelOf, origin, syntheticDataset } from "@lockstep/dataset";

export interface ImageFolderOptions {
  readonly folder: string;
  readonly numSamples: number;
  /** Width and height in pixels. */
  readonly imageSize: number;
}

/** Writes train/N.jpg, val/N.jpg and both label files. */
export async function writeImageFolder({ folder, numSamples, imageSize }: ImageFolderOptions): Promise<void> {
  const { default: sharp } = await import("sharp");
  const dataset = syntheticDataset({ numSamples });
  const fields: readonly ClassField[] = fairfaceLabels.fields;
  for (const [part, wanted] of [
    ["train", origin.officialTrain],
    ["val", origin.officialVal],
  ] as const) {
    await mkdir(join(folder, part), { recursive: true });
    const rows = [["file", ...fields.map(({ column }) => column)].join(",")];
    for (let sample = 0; sample < numSamples; sample++) {
      if (dataset.origin[sample] !== wanted) continue;
      const pixels = new Uint8Array(imageSize * imageSize * 3);
      dataset.generate(sample, imageSize, pixels, 0);
      const raw = { width: imageSize, height: imageSize, channels: 3 } as const;
      const file = `${part}/${sample}.jpg`;
      await sharp(pixels, { raw }).jpeg().toFile(join(folder, file));
      const labels = fields.map(({ name, classes }) => classes[labelOf(dataset.labels, name, sample)]);
      rows.push([file, ...labels].join(","));
    }
    await writeFile(join(folder, `fairface_label_${part}.csv`), `${rows.join("\n")}\n`);
  }
}
