// Owns what a user says of a data set: where it is and how it is read. These are launch options: the fingerprint, not they,
// says whether two processes have the same data.
import { z } from "zod";

export const dataOptions = z.strictObject({
  /** `synthetic`, `synthetic:N` for N generated images, or a path. */
  data: z.string(),
  /** By the column that a label is read from: what it is called in this data, e.g. { race: "ethnicity", file: "path" }. */
  columns: z.record(z.string(), z.string()).default({}),
  /** Take class names that a spreadsheet has turned into dates for what they were. */
  repairLabels: z.boolean().default(false),
  /** What becomes of labelled images that are missing or broken: decided once, when the data set is opened. */
  onBadImage: z.enum(["fail", "skip"]).default("fail"),
});

/** As a caller gives them. */
export type DataOptions = z.input<typeof dataOptions>;
export type OnBadImage = z.output<typeof dataOptions>["onBadImage"];
