// Defines Dataset, the interface through which the rest of Lockstep uses a data set: labels, the origin of each sample,
// and access to its pixels. Each form of the data (e.g. a FairFace folder) implements DatasetSource.
import type { Log } from "@lockstep/errors";
import type { LabelSchema, SampleLabels } from "./labels/label-schema.js";
import type { LabelTable } from "./labels/label-table.js";

/** The published part that a sample belongs to. */
export const origin = { officialTrain: 0, officialVal: 1, officialTest: 2 } as const;

interface DatasetFacts {
  /** `synthetic`, or the name of the label schema. It is the same for every form of the data. */
  readonly kind: string;
  /**
   * SHA-256 (hex) over the label schema and (origin, content SHA-256, labels) of each sample in canonical order. It
   * does not depend on file names or the order of rows.
   */
  readonly fingerprint: string;
  readonly labels: LabelTable;
  /** For each sample: 0 official train, 1 official val, 2 official test. */
  readonly origin: Uint8Array;
  /** Images that were left out because they cannot be used (`onBadImage: "skip"`). */
  readonly skipped: readonly UnusableImage[];
  /** Names of the images that the labels do not name: they are not part of the data set. */
  readonly unlabelled: readonly string[];
  /** SHA-256 (hex) of the sample's encoded bytes, or of the generator's inputs for a generated sample. */
  contentSha256(sample: number): string;
  /** The name to show to people: the path inside the data folder, or the name of a generated sample. */
  imageName(sample: number): string;
}

/** A data set of encoded images (JPEG, PNG, ...). */
export interface EncodedDataset extends DatasetFacts {
  readonly pixelSource: "encoded";
  /**
   * Returns the encoded bytes, which are checked against contentSha256.
   * @throws UserError if they are missing or have changed since the data set was opened
   */
  readEncoded(sample: number): Promise<Uint8Array>;
}

/** A data set of images that are computed. */
export interface GeneratedDataset extends DatasetFacts {
  readonly pixelSource: "generated";
  /** Identifies the algorithm. Another version draws other pixels. */
  readonly generatorVersion: string;
  /** Writes imageSize x imageSize x 3 bytes, RGB, row-major, into `into` from `offset`. */
  generate(sample: number, imageSize: number, into: Uint8Array, offset: number): void;
}

/** Samples are numbered in canonical order: origin, then content SHA-256, then labels. */
export type Dataset = EncodedDataset | GeneratedDataset;

/** One labelled image as a source lists it. */
export interface SourceSample {
  readonly name: string;
  /** The place that names the image, for messages, e.g. `/data/fairface_label_train.csv, line 17`. */
  readonly namedAt?: string | undefined;
  /** 0 official train, 1 official val, 2 official test. */
  readonly origin: number;
  readonly labels: SampleLabels;
  /** Hex. */
  readonly contentSha256: string;
}

/** A labelled image that is missing, empty or damaged. */
export interface UnusableImage {
  readonly name: string;
  /** The place that names the image, for messages, e.g. `/data/fairface_label_train.csv, line 17`. */
  readonly namedAt: string;
  /** What is wrong; the text follows `image "x" ` in a message, e.g. `is missing in /data`. */
  readonly problem: string;
}

export interface SourceList {
  /** In any order. */
  readonly samples: readonly SourceSample[];
  readonly unusable: readonly UnusableImage[];
  /** Names of the images that the labels do not name. */
  readonly unlabelled: readonly string[];
}

/** Reads labelled, encoded images in one form of the data. A new form is a new implementation of this interface. */
export interface DatasetSource {
  /**
   * Lists all labelled images. It reports unusable images in the list; the caller decides what to do about them.
   * @throws UserError if labels cannot be used
   */
  list(): Promise<SourceList>;
  /**
   * Returns the encoded bytes of the sample at that index of `samples`.
   * @throws UserError if they are missing
   */
  read(listIndex: number): Promise<Uint8Array>;
}

/** The arguments of a recipe's own source. */
export interface SourceContext {
  /** The value of --data. A path is absolute. */
  readonly data: string;
  /** The recipe's labels. Each `column` is the column of this data, i.e. --columns is already applied. */
  readonly schema: LabelSchema;
  /** Maps the column that the recipe names to the column's name in this data (--columns). */
  readonly columns: Readonly<Record<string, string>>;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Progress {
  readonly stage: "indexing" | "checking" | "decoding" | "inspecting" | "verifying" | "writing";
  /** Images. */
  readonly done: number;
  /** Images. */
  readonly total: number;
}
