// Owns `OUT/run.json`: what the coordinator must know of a run to lead it without knowing the recipe.
import { z } from "zod";
import { metricDefinition } from "./metric-definition.js";
import { runSpec } from "./run-spec.js";
import { tensorEntry } from "./tensor-layout.js";

export const runDescription = z.strictObject({
  spec: runSpec,
  /** The model's tensors; createLayout() places them. */
  tensors: z.array(tensorEntry),
  /** Names of a pass' metric sums, in order. The sum named "loss" is the pass' loss; "samples" counts samples. */
  sumNames: z.array(z.string()),
  metrics: z.array(metricDefinition),
});
export type RunDescription = z.infer<typeof runDescription>;
