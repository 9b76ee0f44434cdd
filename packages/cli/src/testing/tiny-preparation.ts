// `tinyPreparation` returns options of a preparation that takes some milliseconds.
import type { Resume } from "../claim-folder.js";
import type { PrepareOptions } from "../prepare-run.js";
import type { specSettings } from "../settings/declared/run-spec.js";
import type { Given } from "../settings/setting.js";

export function tinyPreparation(options: {
  readonly out: string;
  readonly resume: Resume;
  readonly cacheDir: string;
  readonly data?: string;
  /** Further settings of the run spec. */
  readonly spec?: Given<typeof specSettings>;
  readonly onLocked?: (() => Promise<void>) | undefined;
}): PrepareOptions {
  const { onLocked, spec, data = "synthetic:16", cacheDir, ...rest } = options;
  const tiny = { imageSize: 4, widths: [2], denseUnits: 2, epochs: 1, microBatch: 4, globalBatch: 8 };
  return {
    ...rest,
    ...(onLocked === undefined ? {} : { onLocked }),
    given: { ...tiny, ...spec, data, cacheDir },
    log: { info: () => {}, warn: () => {} },
    onProgress: () => {},
    signal: new AbortController().signal,
  };
}
