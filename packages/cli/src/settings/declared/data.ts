// Declares where the images are and how they are read (dataSettings). These are launch options: a run that goes on keeps
// what it was last started with.
import { dataPath } from "../../path-values.js";
import { setting } from "../setting.js";
import { choice, columnMap, onOff } from "../values.js";

export const dataSettings = {
  data: setting(
    "path",
    "folder, .csv, .parquet or .tar of images; or synthetic[:IMAGES]",
    dataPath.default("synthetic"),
  ),
  columns: setting("list", "where labels stand in other data: race=ethnicity,…", columnMap.default({}), {
    defaultText: "as named",
  }),
  repairLabels: setting("", "take 03-Sep for 3-9: labels a spreadsheet ate", onOff.default(false)),
  onBadImage: setting(
    "what",
    "fail, or skip images that are missing or broken",
    choice("fail", "skip").default("fail"),
  ),
};
