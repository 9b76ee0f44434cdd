// Declares the settings of the commands that look at data sets, write them, check recipes and evaluate runs (toolSettings).
import type { WrittenForm } from "@lockstep/dataset-tools";
import { checkpointPath, fileToWrite, folderToWrite } from "../../path-values.js";
import { setting } from "../setting.js";
import { choice, onOff, sheetSize, wholeNumber } from "../values.js";

/** dataset-tools has the same list. Loading that package takes too long here; a test compares them. */
export const writtenForms = ["fairface", "csv", "parquet", "webdataset"] as const satisfies readonly WrittenForm[];

/** `--out` of the commands that write a data set. */
export const newFolder = setting("folder", "must not exist, or be empty", folderToWrite);

export const toolSettings = {
  steps: setting("count", "optimizer updates that the check makes", wholeNumber(1).default(3)),

  contactSheet: setting("file", "also draw some images with their labels, as PNG", fileToWrite.optional()),
  sheetSize: setting("size", "rows and columns of the contact sheet", sheetSize.prefault("5x8")),
  force: setting("", "replace a file that exists", onOff.default(false)),

  to: setting("form", "fairface, csv, parquet or webdataset", choice(...writtenForms).optional()),
  shardImages: setting("count", "in each .parquet or .tar file", wholeNumber(1).default(5000)),
  images: setting("count", "how many are drawn", wholeNumber(2, 9_999_999)),

  part: setting("name", "val or test", choice("val", "test").default("val")),
  bootstrap: setting("count", "resamples behind the intervals; 0: none", wholeNumber(0, 100_000).default(1000)),
  predictions: setting("file", "also write a CSV with a row an image", fileToWrite.optional()),
  checkpoint: setting("which", "best, last, or a checkpoint's folder", checkpointPath.optional(), {
    defaultText: "best, or last",
  }),
};
