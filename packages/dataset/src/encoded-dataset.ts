// Owns making a data set of a source's encoded images: canonical numbering, and bytes that are what was indexed.
import { UserError } from "@lockstep/errors";
import { canonicalSamples } from "./canonical-order.js";
import { sha256Hex } from "./content-index.js";
import type { OnBadImage } from "./data-options.js";
import type { DatasetLog, DatasetSource, EncodedDataset, SourceSample, UnusableImage } from "./dataset.js";
import type { LabelSchema } from "./labels/label-schema.js";

export interface EncodedDatasetOptions {
  readonly source: DatasetSource;
  readonly schema: LabelSchema;
  /** What becomes of labelled images that cannot be used. */
  readonly onBadImage: OnBadImage;
  readonly log: DatasetLog;
}

/** UserError where an image is unusable and `onBadImage` is `fail`, or where no usable one is left. */
export async function encodedDataset(options: EncodedDatasetOptions): Promise<EncodedDataset> {
  const { source, schema, onBadImage, log } = options;
  const { samples: list, unusable, unlabelled } = await source.list();
  if (onBadImage === "fail") refuseUnusable(unusable);
  else if (unusable.length > 0) log.warn({ skipped: unusable.length }, "skipped images that cannot be used");
  if (unlabelled.length > 0) {
    log.warn({ images: unlabelled.length, first: unlabelled[0] }, "images without labels are left out");
  }
  if (list.length === 0) throw new UserError(`no image of the data set can be used: ${unusable.length} are unusable`);
  const { fingerprint, labels, origin, listIndex } = canonicalSamples(schema, list);
  const placeOf = (sample: number): number => {
    const place = listIndex[sample];
    if (place === undefined) throw new RangeError(`sample ${sample} is not among the data set's ${list.length}`);
    return place;
  };
  const listed = (sample: number): SourceSample => list[placeOf(sample)] as SourceSample; // placeOf stays within the list
  return {
    kind: schema.name,
    pixelSource: "encoded",
    fingerprint,
    labels,
    origin,
    skipped: unusable,
    unlabelled,
    contentSha256: (sample) => listed(sample).contentSha256,
    imageName: (sample) => listed(sample).name,
    async readEncoded(sample) {
      const bytes = await source.read(placeOf(sample));
      const { name, contentSha256 } = listed(sample);
      if (sha256Hex(bytes) !== contentSha256) {
        throw new UserError(
          `image "${name}" changed while it was in use; leave the data as it is during a run, and start again`,
        );
      }
      return bytes;
    },
  };
}

function refuseUnusable(unusable: readonly UnusableImage[]): void {
  const [first, ...more] = unusable;
  if (first === undefined) return;
  const others = more.length > 0 ? ` (and ${more.length} more images cannot be used)` : "";
  throw new UserError(
    `${first.namedAt}: image "${first.name}" ${first.problem}${others}; put the image there, delete the row, or leave such images out (--on-bad-image skip)`,
  );
}
