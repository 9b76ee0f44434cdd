// `toolSettings` declares the settings of the commands that inspect and write data sets, check recipes and evaluate runs.
import type { WrittenForm } from "@lockstep/dataset-tools";
import { checkpointPath, fileToWrite, folderToWrite } from "../../path-values.js";
import { setting } from "../setting.js";
import { choice, onOff, sheetSize, wholeNumber } from "../values.js";

/** dataset-tools has the same list, but loading that package takes too long here. A test compares the two lists. */
export const writtenForms = ["fairface", "csv", "parquet", "webdataset"] as const satisfies readonly WrittenForm[];

/** `--out` of the commands that write a data set. */
export const newFolder = setting("folder", "folder to write; it must be absent or empty", folderToWrite);

export const toolSettings = {
  steps: setting("count", "optimizer updates that the check makes", wholeNumber(1).default(3)),

  contactSheet: setting(
    "file",
    "also write a PNG file that shows some images with their labels",
    fileToWrite.optional(),
  ),
  sheetSize: setting("size", "rows and columns of the contact sheet", sheetSize.prefault("5x8")),
  force: setting("", "replace a file that exists", onOff.default(false)),

  to: setting("form", "form to write: fairface, csv, parquet or webdataset", choice(...writtenForms).optional()),
  shardImages: setting("count", "images in each .parquet or .tar file", wholeNumber(1).default(5000)),
  images: setting("count", "how many images to generate", wholeNumber(2, 9_999_999)),

  part: setting("name", "part to evaluate: val or test", choice("val", "test").default("val")),
  bootstrap: setting(
    "count",
    "resamples for the confidence intervals; 0: no intervals",
    wholeNumber(0, 100_000).default(1000),
  ),
  predictions: setting("file", "also write a CSV file with one row per image", fileToWrite.optional()),
  checkpoint: setting("which", "best, last, or the folder of a checkpoint", checkpointPath.optional(), {
    defaultText: "best, else last",
  }),
};
