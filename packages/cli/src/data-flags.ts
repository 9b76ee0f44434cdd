// Owns the flags that say where the images are and how they are read, and what a resumed run's folder still knows of them.
import { resolve } from "node:path";
import { type DataOptions, dataOptions, isSynthetic } from "@lockstep/dataset";
import type { z } from "zod";
import type { FlagName, Options } from "./flags.js";

export const dataFlags = ["data", "columns", "repairLabels", "onBadImage"] as const satisfies readonly FlagName[];
export type DataFlags = Options<(typeof dataFlags)[number]>;
export type ResolvedDataOptions = z.output<typeof dataOptions>;

/** @param former of the run's last start: flags left away keep its values, unless other data is named */
export function dataOptionsOf(given: DataFlags, former: DataOptions | null): ResolvedDataOptions {
  const { data, columns, repairLabels, onBadImage } = given;
  const isFormer = former !== null && (data === undefined || absolute(data) === former.data);
  const base = isFormer ? former : { data: data ?? "synthetic" };
  const said = Object.entries({ columns, repairLabels, onBadImage }).filter(([, value]) => value !== undefined);
  const resolved = dataOptions.parse({ ...base, ...Object.fromEntries(said) });
  return { ...resolved, data: absolute(resolved.data) };
}

/** What another `lockstep` must be told to read the same data. */
export function dataArguments({
  data,
  columns = {},
  repairLabels = false,
  onBadImage = "fail",
}: DataOptions): string[] {
  const pairs = Object.entries(columns).map(([label, column]) => `${label}=${column}`);
  return [
    ...["--data", data],
    ...(pairs.length > 0 ? ["--columns", pairs.join(",")] : []),
    ...(repairLabels ? ["--repair-labels"] : []),
    ...["--on-bad-image", onBadImage],
  ];
}

/** A later command may stand in another folder. */
function absolute(data: string): string {
  return isSynthetic(data) ? data : resolve(data);
}
