// Owns what it takes to write a data set in a form, and which writer writes which.
import type { LabelSchema } from "../labels/label-schema.js";
import { csvWriter, fairfaceWriter } from "./files-writer.js";
import { tarWriter } from "./tar-writer.js";

export const writtenForms = ["fairface", "csv", "parquet", "webdataset"] as const;
export type WrittenForm = (typeof writtenForms)[number];

export const partNames = ["train", "val", "test"] as const;
export type PartName = (typeof partNames)[number];

export interface WrittenSample {
  readonly part: PartName;
  /** File name without ending, another for each sample of a part; no dot in it. */
  readonly stem: string;
  /** Ending without dot, by what the bytes are. */
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

/** What it writes is flushed to the disk when `finish` resolves. */
export interface FormWriter {
  /** Called again when the samples before are written. */
  add(samples: readonly WrittenSample[]): Promise<void>;
  finish(): Promise<void>;
  /** After a failure: lets go of what is open. */
  abandon(): Promise<void>;
}

/** @throws UserError where the form cannot hold such a data set */
export async function formWriter(to: WrittenForm, options: FormWriterOptions): Promise<FormWriter> {
  switch (to) {
    case "fairface":
      return fairfaceWriter(options);
    case "csv":
      return csvWriter(options);
    case "parquet": {
      const { parquetWriter } = await import("./parquet-writer.js"); // loaded where it is needed
      return parquetWriter(options);
    }
    case "webdataset":
      return tarWriter(options);
    default:
      return to satisfies never;
  }
}
