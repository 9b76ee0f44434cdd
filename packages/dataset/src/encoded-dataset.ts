// Owns making a data set of a source's encoded images: canonical numbering, and bytes that are what was indexed.
import { UserError } from "@lockstep/errors";
import { canonicalSamples } from "./canonical-order.js";
import { sha256Hex } from "./content-index.js";
import type { DatasetSource, EncodedDataset, SourceSample } from "./dataset.js";

export async function encodedDataset(source: DatasetSource): Promise<EncodedDataset> {
  const list = await source.list();
  const { fingerprint, labels, origin, listIndex } = canonicalSamples(list);
  const placeOf = (sample: number): number => {
    const place = listIndex[sample];
    if (place === undefined) throw new RangeError(`sample ${sample} is not among the data set's ${list.length}`);
    return place;
  };
  const listed = (sample: number): SourceSample => list[placeOf(sample)] as SourceSample; // placeOf stays within the list
  return {
    kind: source.kind,
    pixelSource: "encoded",
    fingerprint,
    labels,
    origin,
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
