// Reads and raises the number of the coordinator's generation in `OUT/coordinator.json`: `readGeneration` and `storeGeneration`.
// A coordinator stores its number on the disk before it answers any call, so that no two processes ever use the same one.
import { parseJson } from "@lockstep/files";
import { z } from "zod";
import type { RunFolder } from "./run-folder.js";

const fileName = "coordinator.json";
const content = z.object({ generation: z.number().int().positive() });

/** Of the coordinator that led this run before; 0 when there was none. @throws UserError when the file is broken */
export async function readGeneration(folder: RunFolder): Promise<number> {
  const text = await folder.readText(fileName);
  if (text === null) return 0;
  const label = `${folder.path}/${fileName}`;
  const remedy = `put back {"generation": N}, the number of coordinators that have led this run`;
  return parseJson(text, content, { label, remedy }).generation;
}

/** The number is on the disk when the promise resolves. */
export function storeGeneration(folder: RunFolder, generation: number): Promise<void> {
  return folder.replaceJson(fileName, { generation });
}
