// Owns `OUT/coordinator.json`: how many lives the coordinator of this run has had. It is raised durably before a life
// does anything, so that no two lives ever have the same number.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeJsonDurably } from "@lockstep/checkpoint";
import { UserError } from "@lockstep/errors";

const fileName = "coordinator.json";

/** This life's number, from 1. @throws UserError when the file is not what a former life wrote */
export async function nextGeneration(out: string): Promise<number> {
  const path = join(out, fileName);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  const generation = (text === null ? 0 : parse(text, path)) + 1;
  await writeJsonDurably(path, { generation });
  return generation;
}

function parse(text: string, path: string): number {
  let generation: unknown;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "generation" in value) generation = value.generation;
  } catch {
    generation = undefined;
  }
  if (typeof generation !== "number" || !Number.isSafeInteger(generation) || generation < 1) {
    throw new UserError(`${path}: holds no generation; put back {"generation": N}, the lives so far`);
  }
  return generation;
}
