// `readMetrics` reads `metrics.jsonl`. If a step has several records, the one of the newest generation counts: a coordinator that
// restarts repeats the steps after its checkpoint.
import { readJsonLines } from "@lockstep/files";
import { z } from "zod";

/** JSON has no NaN: a number that is not finite is written as null. */
const metrics = z.record(z.string(), z.number().nullable());
const record = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("step"),
    generation: z.number(),
    /** Optimizer updates so far, including this one. */
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
 * @returns every record in the file's order, without a last line that is still being written; empty if there is no file
 * @throws UserError that names the file and the invalid line
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  const records: MetricsRecord[] = [];
  for await (const one of readJsonLines(path, record)) records.push(one);
  return records;
}

/** @returns for each step the record of the newest generation, in the order of steps */
export function currentSteps(records: readonly MetricsRecord[]): StepRecord[] {
  const bySteps = new Map<number, StepRecord>();
  for (const candidate of records) {
    if (candidate.type !== "step") continue;
    const known = bySteps.get(candidate.step);
    if (known === undefined || candidate.generation >= known.generation) bySteps.set(candidate.step, candidate);
  }
  return [...bySteps.values()].sort((a, b) => a.step - b.step);
}

/** @returns the last step record and the last validation record of the file */
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
