// `dataOptionsOf` resolves where the images are and how they are read, from the given settings and a run's last start.
import { resolve } from "node:path";
import { type DataOptions, dataOptions, isSynthetic } from "@lockstep/dataset";
import type { z } from "zod";
import { dataSettings } from "./settings/declared/data.js";
import { defaultOf, type Given } from "./settings/setting.js";

export type ResolvedDataOptions = z.output<typeof dataOptions>;

/** @param former options of the run's last start: they are the defaults, unless `data` names other data */
export function dataOptionsOf(
  { data, columns, repairLabels, onBadImage }: Given<typeof dataSettings>,
  former: DataOptions | null,
): ResolvedDataOptions {
  const isFormer = former !== null && (data === undefined || absolute(data) === former.data);
  const base = isFormer ? former : { data: data ?? defaultOf(dataSettings.data) };
  const given = Object.entries({ columns, repairLabels, onBadImage }).filter(([, value]) => value !== undefined);
  const resolved = dataOptions.parse({ ...base, ...Object.fromEntries(given) });
  return { ...resolved, data: absolute(resolved.data) };
}

/** A later command may be started in another folder. */
function absolute(data: string): string {
  return isSynthetic(data) ? data : resolve(data);
}
