// Owns what every form is read with.
import type { DatasetLog, Progress } from "../dataset.js";
import type { DataColumns } from "./data-columns.js";

export interface FormOptions {
  readonly columns: DataColumns;
  readonly cacheDir: string;
  readonly log: DatasetLog;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
