// Makes the embedded data set (syntheticDataset): generated images with FairFace's labels, so that everything can run
// without data.
import { UserError } from "@lockstep/errors";
import { canonicalSamples } from "../canonical-order.js";
import { sha256Hex } from "../content-index.js";
import { type GeneratedDataset, origin, type SourceSample } from "../dataset.js";
import { fairfaceLabels } from "../fairface/fairface-labels.js";
import type { LabelField, LabelSchema } from "../labels/label-schema.js";
import { drawSyntheticImage } from "./synthetic-image.js";
import { type FairfaceLabels, syntheticLabels } from "./synthetic-labels.js";

export const defaultSyntheticSamples = 4000;

/** Change it with every change of what is drawn. It is part of the fingerprint and of the image cache's key. */
const generatorVersion = "synthetic/1";
const defaultSeed = 1;
const valShare = 0.15;

export interface SyntheticOptions {
  /** Number of images. The last 15% of them are the official val part. */
  readonly numSamples: number;
  /** Some or all of FairFace's fields; default: all. */
  readonly schema?: LabelSchema | undefined;
  /** Another seed gives other images; default: the seed of the embedded data set. */
  readonly seed?: number | undefined;
}

/** @throws UserError if the schema has labels that the embedded data set does not have */
export function syntheticDataset(options: SyntheticOptions): GeneratedDataset {
  const { numSamples, schema = fairfaceLabels, seed = defaultSeed } = options;
  checkEmbeddedLabels(schema);
  const numTrain = numSamples - Math.floor(valShare * numSamples);
  const drawn = Array.from({ length: numSamples }, (_, index) => syntheticLabels(seed, index));
  const list = drawn.map(
    (labels, index): SourceSample => ({
      name: `synthetic/${index}`,
      origin: index < numTrain ? origin.officialTrain : origin.officialVal,
      // An image is a function of these values, so their hash identifies the image at any image size.
      contentSha256: sha256Hex(`${generatorVersion} seed ${seed} image ${index}`),
      labels,
    }),
  );
  const { fingerprint, labels, origin: origins, listIndex } = canonicalSamples(schema, list);
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
    skipped: [],
    unlabelled: [],
    contentSha256: (sample) => listed(sample).entry.contentSha256,
    imageName: (sample) => listed(sample).entry.name,
    generate(sample, imageSize, into, offset) {
      const { index } = listed(sample);
      const labels = drawn[index] as FairfaceLabels; // there is one for each entry of the list
      drawSyntheticImage({ seed, index, labels, imageSize }, into, offset);
    },
  };
}

function checkEmbeddedLabels({ name, fields }: LabelSchema): void {
  const embedded: readonly LabelField[] = fairfaceLabels.fields;
  const unknown = fields.find(
    (field) =>
      !embedded.some(
        (other) =>
          field.kind === "class" &&
          other.kind === "class" &&
          field.name === other.name &&
          field.classes.join("\n") === other.classes.join("\n"),
      ),
  );
  if (unknown === undefined) return;
  throw new UserError(
    `label schema ${name}: the embedded data set has no such label "${unknown.name}", only FairFace's ` +
      `${embedded.map((field) => field.name).join(", ")}; name your own images (--data)`,
  );
}
