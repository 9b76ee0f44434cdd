// `tinyPreparation` gives the options of a preparation that takes some milliseconds.

import type { Resume } from "../claim-folder.js";
import { parseOptions } from "../flags.js";
import type { PrepareOptions } from "../prepare-run.js";
import { specFlags } from "../run-settings.js";

export function tinyPreparation(options: {
  readonly out: string;
  readonly resume: Resume;
  readonly cacheDir: string;
  readonly data?: string;
  /** Flags of the run spec besides, by their names in the table. */
  readonly spec?: Readonly<Record<string, string>>;
  readonly onLocked?: (() => Promise<void>) | undefined;
}): PrepareOptions {
  const raw = { imageSize: "4", widths: "2", denseUnits: "2", epochs: "1", microBatch: "4", globalBatch: "8" };
  const { onLocked, spec, data = "synthetic:16", ...rest } = options;
  return {
    ...rest,
    ...(onLocked === undefined ? {} : { onLocked }),
    given: parseOptions({ ...raw, ...spec }, specFlags),
    dataFlags: { data, columns: undefined, repairLabels: undefined, onBadImage: undefined },
    log: { info: () => {}, warn: () => {} },
    onProgress: () => {},
    signal: new AbortController().signal,
  };
}
