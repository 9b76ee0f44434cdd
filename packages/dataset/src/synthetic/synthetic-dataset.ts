// Owns the embedded data set: generated images with the same label schema, so that everything runs with no data at hand.
import { canonicalSamples } from "../canonical-order.js";
import { sha256Hex } from "../content-index.js";
import { type GeneratedDataset, origin, type SourceSample } from "../dataset.js";
import { drawSyntheticImage } from "./synthetic-image.js";
import { syntheticLabels } from "./synthetic-labels.js";

export const defaultSyntheticSamples = 4000;

/** Changes with every change of what is drawn: it is part of the fingerprint and of the image cache's key. */
const generatorVersion = "synthetic/1";
const generatorSeed = 1;
const valShare = 0.15;

export interface SyntheticOptions {
  /** Images; the last 15% of them are the official val part. */
  readonly numSamples: number;
}

export function syntheticDataset({ numSamples }: SyntheticOptions): GeneratedDataset {
  const numTrain = numSamples - Math.floor(valShare * numSamples);
  const list = Array.from(
    { length: numSamples },
    (_, index): SourceSample => ({
      name: `synthetic/${index}`,
      origin: index < numTrain ? origin.officialTrain : origin.officialVal,
      // An image is a function of these, so they stand for its bytes, at any image size.
      contentSha256: sha256Hex(`${generatorVersion} seed ${generatorSeed} image ${index}`),
      ...syntheticLabels(generatorSeed, index),
    }),
  );
  const { fingerprint, labels, origin: origins, listIndex } = canonicalSamples(list);
  const listed = (sample: number): { index: number; entry: SourceSample } => {
    const index = listIndex[sample];
    const entry = index === undefined ? undefined : list[index];
    if (index === undefined || !entry)
      throw new RangeError(`sample ${sample} is not among the data set's ${numSamples}`);
    return { index, entry };
  };
  return {
    kind: "synthetic",
    pixelSource: "generated",
    generatorVersion,
    fingerprint,
    labels,
    origin: origins,
    contentSha256: (sample) => listed(sample).entry.contentSha256,
    imageName: (sample) => listed(sample).entry.name,
    generate(sample, imageSize, into, offset) {
      const { index, entry } = listed(sample);
      drawSyntheticImage({ seed: generatorSeed, index, labels: entry, imageSize }, into, offset);
    },
  };
}
