// Makes the embedded data set (syntheticDataset): generated images with the same label schema, so that everything runs with no data at hand.
import { UserError } from "@lockstep/errors";
import { canonicalSamples } from "../canonical-order.js";
import { sha256Hex } from "../content-index.js";
import { type GeneratedDataset, origin, type SourceSample } from "../dataset.js";
import { fairfaceLabels } from "../fairface/fairface-labels.js";
import type { LabelField, LabelSchema } from "../labels/label-schema.js";
import { drawSyntheticImage } from "./synthetic-image.js";
import { type FairfaceLabels, syntheticLabels } from "./synthetic-labels.js";

export const defaultSyntheticSamples = 4000;

/** Changes with every change of what is drawn: it is part of the fingerprint and of the image cache's key. */
const generatorVersion = "synthetic/1";
const defaultSeed = 1;
const valShare = 0.15;

export interface SyntheticOptions {
  /** Images; the last 15% of them are the official val part. */
  readonly numSamples: number;
  /** Some or all of FairFace's fields; all where absent. */
  readonly schema?: LabelSchema | undefined;
  /** Draws other images, for files of one's own; the embedded set's where absent. */
  readonly seed?: number | undefined;
}

/** UserError where the schema asks for labels that the embedded data set has not. */
export function syntheticDataset(options: SyntheticOptions): GeneratedDataset {
  const { numSamples, schema = fairfaceLabels, seed = defaultSeed } = options;
  checkEmbeddedLabels(schema);
  const numTrain = numSamples - Math.floor(valShare * numSamples);
  const drawn = Array.from({ length: numSamples }, (_, index) => syntheticLabels(seed, index));
  const list = drawn.map(
    (labels, index): SourceSample => ({
      name: `synthetic/${index}`,
      origin: index < numTrain ? origin.officialTrain : origin.officialVal,
      // An image is a function of these, so they stand for its bytes, at any image size.
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
      const labels = drawn[index] as FairfaceLabels; // one for each of the list
      drawSyntheticImage({ seed, index, labels, imageSize }, into, offset);
    },
  };
}

function checkEmbeddedLabels({ name, fields }: LabelSchema): void {
  const embedded: readonly LabelField[] = fairfaceLabels.fields;
  const stranger = fields.find(
    (field) =>
      !embedded.some(
        (other) =>
          field.kind === "class" &&
          other.kind === "class" &&
          field.name === other.name &&
          field.classes.join("\n") === other.classes.join("\n"),
      ),
  );
  if (stranger === undefined) return;
  throw new UserError(
    `label schema ${name}: the embedded data set has no label "${stranger.name}" like that, only FairFace's ` +
      `${embedded.map((field) => field.name).join(", ")}; name images of your own (--data)`,
  );
}
