// Reads and stores the coordinator's generation in `OUT/coordinator.json`: `readGeneration` and `storeGeneration`. A
// coordinator stores its generation before it answers any call, so that no two processes use the same one.
import { parseJson } from "@lockstep/files";
import { z } from "zod";
import type { RunFolder } from "./run-folder.js";

const fileName = "coordinator.json";
const content = z.object({ generation: z.number().int().positive() });

/**
 * The generation of the previous coordinator of this run, or 0 when there was none.
 * @throws UserError if the file is invalid
 */
export async function readGeneration(folder: RunFolder): Promise<number> {
  const text = await folder.readText(fileName);
  if (text === null) return 0;
  const label = `${folder.path}/${fileName}`;
  const remedy = `restore {"generation": N}, where N is the number of coordinators that have led this run`;
  return parseJson(text, content, { label, remedy }).generation;
}

/** The generation is on the disk when the promise resolves. */
export function storeGeneration(folder: RunFolder, generation: number): Promise<void> {
  return folder.replaceJson(fileName, { generation });
}
