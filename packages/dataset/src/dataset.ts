// Owns what a data set is to the rest of Lockstep: labels, where each sample comes from, and how its pixels are had.
// Reading a particular form (a FairFace folder, the embedded set) is left to its DatasetSource.
import type { LabelTable, SampleLabels } from "./labels.js";

export type DatasetKind = "fairface" | "synthetic";

/** The published part that a sample belongs to. */
export const origin = { officialTrain: 0, officialVal: 1 } as const;

interface DatasetFacts {
  readonly kind: DatasetKind;
  /** SHA-256 (hex) over (origin, content SHA-256, labels) in canonical order: file names and row order do not matter. */
  readonly fingerprint: string;
  readonly labels: LabelTable;
  /** By sample: 0 official train, 1 official val. */
  readonly origin: Uint8Array;
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
export interface SourceSample extends SampleLabels {
  readonly name: string;
  /** 0 official train, 1 official val. */
  readonly origin: number;
  /** Hex. */
  readonly contentSha256: string;
}

/** A form in which labelled, encoded images come. A new format is a new implementation of this. */
export interface DatasetSource {
  readonly kind: DatasetKind;
  /** All labelled images, in any order; UserError when labels or images are unusable. */
  list(): Promise<readonly SourceSample[]>;
  /** Encoded bytes of the sample at that place in the list. */
  read(listIndex: number): Promise<Uint8Array>;
}

export interface Progress {
  readonly stage: "indexing" | "decoding";
  /** Images. */
  readonly done: number;
  /** Images. */
  readonly total: number;
}

/** The part of a pino logger that this package uses. */
export interface DatasetLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
