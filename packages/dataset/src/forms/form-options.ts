// Defines FormOptions, the options that every form of the data is read with.
import type { Log } from "@lockstep/errors";
import type { Progress } from "../dataset.js";
import type { LabelRepairs } from "../labels/label-repairs.js";
import type { DataColumns } from "./data-columns.js";

export interface FormOptions {
  readonly columns: DataColumns;
  /** If given, dates that a spreadsheet made of class names are accepted and counted here. */
  readonly repairs?: LabelRepairs | undefined;
  readonly cacheDir: string;
  readonly log: Log;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
