// Owns reading `metrics.jsonl`: for one step the record of the newest generation counts, as a restart supersedes what
// came after its checkpoint.
import { readJsonLines } from "@lockstep/files";
import { z } from "zod";

/** JSON has no NaN: a number that was not finite stands as null. */
const metrics = z.record(z.string(), z.number().nullable());
const record = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("step"),
    generation: z.number(),
    /** Updates so far, this one included. */
    step: z.number(),
    epoch: z.number(),
    metrics,
  }),
  z.looseObject({
    type: z.literal("validation"),
    generation: z.number(),
    step: z.number(),
    epoch: z.number(),
    metrics,
  }),
]);
export type MetricsRecord = z.infer<typeof record>;
export type StepRecord = Extract<MetricsRecord, { type: "step" }>;
export type ValidationRecord = Extract<MetricsRecord, { type: "validation" }>;

/**
 * Every record, in the order of the file; a line that is being written is left out. Empty when there is no file.
 * @throws UserError that names the file and the line that is wrong
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  const records: MetricsRecord[] = [];
  for await (const one of readJsonLines(path, record)) records.push(one);
  return records;
}

/** The records that count, by step. */
export function currentSteps(records: readonly MetricsRecord[]): StepRecord[] {
  const bySteps = new Map<number, StepRecord>();
  for (const candidate of records) {
    if (candidate.type !== "step") continue;
    const known = bySteps.get(candidate.step);
    if (known === undefined || candidate.generation >= known.generation) bySteps.set(candidate.step, candidate);
  }
  return [...bySteps.values()].sort((a, b) => a.step - b.step);
}

/** Of the newest generation that wrote anything. */
export async function newestMetrics(
  path: string,
): Promise<{ readonly step: StepRecord | null; readonly validation: ValidationRecord | null }> {
  let [step, validation]: [StepRecord | null, ValidationRecord | null] = [null, null];
  for await (const candidate of readJsonLines(path, record)) {
    if (candidate.type === "step") step = candidate;
    else validation = candidate;
  }
  return { step, validation };
}
