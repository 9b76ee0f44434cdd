// Defines the options that say where a data set is and how it is read (dataOptions). They are launch options and not
// part of the run spec: the fingerprint, not these options, decides whether two processes have the same data.
import { z } from "zod";

export const dataOptions = z.strictObject({
  /** `synthetic`, `synthetic:N` for N generated images, or a path. */
  data: z.string(),
  /**
   * Maps the column that the recipe names to the column's name in this data, e.g. { race: "ethnicity", file: "path" }.
   */
  columns: z.record(z.string(), z.string()).default({}),
  /** Whether class names that a spreadsheet has turned into dates are read as the class names. */
  repairLabels: z.boolean().default(false),
  /**
   * Whether to stop at labelled images that are missing or damaged, or to leave them out. Applied once, when the data
   * set is opened.
   */
  onBadImage: z.enum(["fail", "skip"]).default("fail"),
});

/** The options as a caller gives them, before the defaults are filled in. */
export type DataOptions = z.input<typeof dataOptions>;
export type OnBadImage = z.output<typeof dataOptions>["onBadImage"];
