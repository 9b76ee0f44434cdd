// Makes a data set of the encoded images of a source (encodedDataset): it numbers the samples in canonical order and
// checks the bytes against their hashes. Only this file decides what to do about images that cannot be used, and it
// does so once, before anything is computed.
import { type Log, UserError } from "@lockstep/errors";
import { canonicalSamples } from "./canonical-order.js";
import { sha256Hex } from "./content-index.js";
import type { OnBadImage } from "./data-options.js";
import type { DatasetSource, EncodedDataset, Progress, SourceSample, UnusableImage } from "./dataset.js";
import { imageProblems } from "./decode/image-problems.js";
import type { LabelSchema } from "./labels/label-schema.js";
import { quoted } from "./labels/quoted.js";

export interface EncodedDatasetOptions {
  readonly source: DatasetSource;
  readonly schema: LabelSchema;
  /**
   * What to do about labelled images that cannot be used. `fail` throws if an image is missing or empty; the image
   * cache throws later if an image cannot be decoded. `skip` decodes each distinct image once and leaves out those that
   * fail.
   */
  readonly onBadImage: OnBadImage;
  /** Holds the list of images that can be decoded. */
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A listed sample, and its index in the source's list. */
interface Listed {
  readonly sample: SourceSample;
  readonly place: number;
}

/** @throws UserError if an image is unusable and `onBadImage` is `fail`, or if no usable image is left */
export async function encodedDataset(options: EncodedDatasetOptions): Promise<EncodedDataset> {
  const { source, schema, onBadImage, log } = options;
  const { samples, unusable, unlabelled } = await source.list();
  const read = async (place: number): Promise<Uint8Array> => {
    const bytes = await source.read(place);
    const { name, contentSha256 } = samples[place] as SourceSample; // source.read has checked the place
    if (sha256Hex(bytes) === contentSha256) return bytes;
    throw new UserError(
      `image ${quoted(name)} changed while it was in use; do not change the data during a run, and start again`,
    );
  };
  if (onBadImage === "fail") refuseUnusable(unusable);
  const all = samples.map((sample, place): Listed => ({ sample, place }));
  const { usable, undecodable } =
    onBadImage === "fail" ? { usable: all, undecodable: [] } : await decodable(all, read, options);
  const skipped = [...unusable, ...undecodable];
  reportLeftOut(skipped, unlabelled, log);
  if (usable.length === 0) throw new UserError(`no image of the data set can be used: ${noneUsable(skipped)}`);
  const { fingerprint, labels, origin, listIndex } = canonicalSamples(
    schema,
    usable.map(({ sample }) => sample),
  );
  const listed = (sample: number): Listed => {
    const found = usable[listIndex[sample] ?? -1];
    if (!found) throw new RangeError(`sample ${sample} is not among the data set's ${usable.length}`);
    return found;
  };
  return {
    kind: schema.name,
    pixelSource: "encoded",
    fingerprint,
    labels,
    origin,
    skipped,
    unlabelled,
    contentSha256: (sample) => listed(sample).sample.contentSha256,
    imageName: (sample) => listed(sample).sample.name,
    readEncoded: (sample) => read(listed(sample).place),
  };
}

/** Separates the samples that can be decoded from those that cannot. Both lists keep the source's order. */
async function decodable(
  all: readonly Listed[],
  read: (place: number) => Promise<Uint8Array>,
  { cacheDir, log, onProgress, signal }: EncodedDatasetOptions,
): Promise<{ readonly usable: readonly Listed[]; readonly undecodable: UnusableImage[] }> {
  const contents = all.map(({ sample }) => sample.contentSha256);
  const nameOf = (place: number): string => all[place]?.sample.name ?? "";
  const problems = await imageProblems({ contents, read, nameOf, cacheDir, log, onProgress, signal });
  const undecodable = all.flatMap(({ sample }, place): UnusableImage[] => {
    const problem = problems[place];
    return typeof problem === "string" ? [{ name: sample.name, namedAt: sample.namedAt ?? "", problem }] : [];
  });
  return { usable: all.filter((_, place) => problems[place] === null), undecodable };
}

const shownNames = 3;

function reportLeftOut(skipped: readonly UnusableImage[], unlabelled: readonly string[], log: Log): void {
  if (skipped.length > 0) {
    const first = skipped.slice(0, shownNames).map(({ name, problem }) => `${name} ${problem}`);
    log.warn({ skipped: skipped.length, first }, `left out ${skipped.length} images that cannot be used`);
  }
  if (unlabelled.length > 0) {
    const first = unlabelled.slice(0, shownNames);
    log.warn(
      { images: unlabelled.length, first },
      `left out ${unlabelled.length} ${unlabelled.length === 1 ? "image" : "images"} that the labels do not name: ${first.join(", ")}${unlabelled.length > shownNames ? ", …" : ""}`,
    );
  }
}

function noneUsable(skipped: readonly UnusableImage[]): string {
  const [first] = skipped;
  return first ? `all ${skipped.length} are unusable, e.g. ${quoted(first.name)} ${first.problem}` : "it has no images";
}

function refuseUnusable(unusable: readonly UnusableImage[]): void {
  const [first, ...more] = unusable;
  if (first === undefined) return;
  const others = more.length > 0 ? ` (and ${more.length} more images cannot be used)` : "";
  throw new UserError(
    `${first.namedAt}: image ${quoted(first.name)} ${first.problem}${others}; put the image there, delete the row, or leave such images out (--on-bad-image skip)`,
  );
}
