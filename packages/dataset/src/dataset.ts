// Defines Dataset, a data set as the rest of Lockstep sees it: labels, where each sample comes from, and how its pixels are had.
// Reading a particular form (a FairFace folder, the embedded set) is left to its DatasetSource.
import type { Log } from "@lockstep/errors";
import type { LabelSchema, SampleLabels } from "./labels/label-schema.js";
import type { LabelTable } from "./labels/label-table.js";

/** The published part that a sample belongs to. */
export const origin = { officialTrain: 0, officialVal: 1, officialTest: 2 } as const;

interface DatasetFacts {
  /** `synthetic`, or the name of the labels' schema: the same for every form that the images come in. */
  readonly kind: string;
  /** SHA-256 (hex) over the labels' schema and (origin, content SHA-256, labels) in canonical order: file names and row order do not matter. */
  readonly fingerprint: string;
  readonly labels: LabelTable;
  /** By sample: 0 official train, 1 official val, 2 official test. */
  readonly origin: Uint8Array;
  /** Images that were left out, as they cannot be used (`onBadImage: "skip"`). */
  readonly skipped: readonly UnusableImage[];
  /** Names of the images that the labels do not name: they are not part of the data set. */
  readonly unlabelled: readonly string[];
  /** SHA-256 (hex) of the sample's encoded bytes; of its generator's inputs where it is generated. */
  contentSha256(sample: number): string;
  /** For people: the path inside the data folder, or the generated sample's name. */
  imageName(sample: number): string;
}

/** Images that lie encoded (JPEG, PNG, ...) somewhere. */
export interface EncodedDataset extends DatasetFacts {
  readonly pixelSource: "encoded";
  /** The encoded bytes, checked against contentSha256; UserError when they are gone or changed since indexing. */
  readEncoded(sample: number): Promise<Uint8Array>;
}

/** Images that are computed. */
export interface GeneratedDataset extends DatasetFacts {
  readonly pixelSource: "generated";
  /** Names the algorithm: another version draws other pixels. */
  readonly generatorVersion: string;
  /** Writes imageSize x imageSize x 3 bytes, RGB, row-major, into `into` from `offset`. */
  generate(sample: number, imageSize: number, into: Uint8Array, offset: number): void;
}

/** Samples are numbered in canonical order: origin, then content SHA-256, then labels. */
export type Dataset = EncodedDataset | GeneratedDataset;

/** One labelled image as a source lists it. */
export interface SourceSample {
  readonly name: string;
  /** Where it is named, for people, e.g. `/data/fairface_label_train.csv, line 17`. */
  readonly namedAt?: string | undefined;
  /** 0 official train, 1 official val, 2 official test. */
  readonly origin: number;
  readonly labels: SampleLabels;
  /** Hex. */
  readonly contentSha256: string;
}

/** A labelled image that is missing, empty or broken. */
export interface UnusableImage {
  readonly name: string;
  /** Where it was named, e.g. `/data/fairface_label_train.csv, line 17`. */
  readonly namedAt: string;
  /** Reads on from `image "x" ...`, e.g. `is missing in /data`. */
  readonly problem: string;
}

export interface SourceList {
  /** In any order. */
  readonly samples: readonly SourceSample[];
  readonly unusable: readonly UnusableImage[];
  /** Names of the images that the labels do not name. */
  readonly unlabelled: readonly string[];
}

/** A form in which labelled, encoded images come. A new format is a new implementation of this. */
export interface DatasetSource {
  /** All labelled images; UserError where labels are unusable. What becomes of unusable images is decided by who calls. */
  list(): Promise<SourceList>;
  /** Encoded bytes of the sample at that place in `samples`; UserError where they are gone. */
  read(listIndex: number): Promise<Uint8Array>;
}

/** What a source of a recipe's own is given to read the data with. */
export interface SourceContext {
  /** As the user names it (--data); a path is absolute. */
  readonly data: string;
  /** The recipe's labels, each with the column that this data has it in. */
  readonly schema: LabelSchema;
  /** By the column that the recipe names: what it is called in this data (--columns). */
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
