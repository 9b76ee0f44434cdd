// `dataSettings` declares the settings that tell where the images are and how they are read. They are launch options: a run that
// is resumed keeps the values of its last start.
import { dataPath } from "../../path-values.js";
import { setting } from "../setting.js";
import { choice, columnMap, onOff } from "../values.js";

export const dataSettings = {
  data: setting(
    "path",
    "a folder, .csv, .parquet or .tar file of images; or synthetic[:IMAGES]",
    dataPath.default("synthetic"),
  ),
  columns: setting("list", "columns that hold the labels: race=ethnicity,…", columnMap.default({}), {
    defaultText: "the labels' names",
  }),
  repairLabels: setting("", "read labels that a spreadsheet turned into dates: 03-Sep is 3-9", onOff.default(false)),
  onBadImage: setting(
    "what",
    "what to do about a missing or broken image: fail or skip",
    choice("fail", "skip").default("fail"),
  ),
};
