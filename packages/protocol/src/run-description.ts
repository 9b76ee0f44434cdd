// Defines `OUT/run.json` (`RunDescription`): all that the coordinator needs to lead a run without the recipe's code.
import { z } from "zod";
import { metricDefinition } from "./metric-definition.js";
import { runSpec } from "./run-spec.js";
import { tensorEntry } from "./tensor-layout.js";

export const runDescription = z.strictObject({
  spec: runSpec,
  /** The model's tensors. createLayout() computes their places. */
  tensors: z.array(tensorEntry),
  /** Names of the metric sums of a pass, in order. The sum "loss" is the loss of the pass; "samples" is the number of samples. */
  sumNames: z.array(z.string()),
  metrics: z.array(metricDefinition),
});
export type RunDescription = z.infer<typeof runDescription>;
