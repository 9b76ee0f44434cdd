// Defines FormWriter, which writes a data set in one form, and the names of the forms that can be written.
import type { LabelSchema, PartName } from "@lockstep/dataset";

export const writtenForms = ["fairface", "csv", "parquet", "webdataset"] as const;
export type WrittenForm = (typeof writtenForms)[number];

export interface WrittenSample {
  readonly part: PartName;
  /** File name without its ending; unique within a part; without a dot. */
  readonly stem: string;
  /** Ending without the dot, found from the bytes. */
  readonly ending: string;
  readonly bytes: Uint8Array;
  /** By column: a class's name, or a number. */
  readonly labels: Readonly<Record<string, string | number>>;
  /** By column of a class field: its index in the schema. */
  readonly classIndexes: Readonly<Record<string, number>>;
}

export interface FormWriterOptions {
  /** Exists and is empty. */
  readonly folder: string;
  readonly schema: LabelSchema;
  /** Samples by part. */
  readonly counts: Readonly<Record<PartName, number>>;
  /** Images in a shard. */
  readonly shardImages: number;
}

/** Everything it wrote is flushed to the disk when `finish` resolves. */
export interface FormWriter {
  /** Called again only after the earlier call has resolved. */
  add(samples: readonly WrittenSample[]): Promise<void>;
  finish(): Promise<void>;
  /** Called after a failure: closes what is open. */
  abandon(): Promise<void>;
}
