// Defines FormWriter, which writes a data set in one form, and the names of the forms that can be written.
import type { LabelSchema, PartName } from "@lockstep/dataset";

export const writtenForms = ["fairface", "csv", "parquet", "webdataset"] as const;
export type WrittenForm = (typeof writtenForms)[number];

export interface WrittenSample {
  readonly part: PartName;
  /** File name without its ending. It is unique within a part and has no dot. */
  readonly stem: string;
  /** Ending without the dot; it is determined from the bytes. */
  readonly ending: string;
  readonly bytes: Uint8Array;
  /** By column: the name of a class, or a number. */
  readonly labels: Readonly<Record<string, string | number>>;
  /** By column of a class field: the index of the class in the schema. */
  readonly classIndexes: Readonly<Record<string, number>>;
}

export interface FormWriterOptions {
  /** An existing, empty folder. */
  readonly folder: string;
  readonly schema: LabelSchema;
  /** Number of samples of each part. */
  readonly counts: Readonly<Record<PartName, number>>;
  /** Largest number of images of a shard. */
  readonly shardImages: number;
}

/** When `finish` resolves, everything that was written is flushed to the disk. */
export interface FormWriter {
  /** The caller waits until one call has resolved before the next call. */
  add(samples: readonly WrittenSample[]): Promise<void>;
  finish(): Promise<void>;
  /** Closes open files after a failure. */
  abandon(): Promise<void>;
}
