// Owns the shape of an evaluation's result: plain JSON. What it says of a head is head-report.ts; reading checkpoint and
// images is evaluate-checkpoint.ts.
import type { HeadReport } from "./head-report.js";

export interface EvaluationReport {
  readonly checkpoint: {
    readonly path: string;
    /** Optimizer updates. */
    readonly step: number;
    readonly epoch: number;
    readonly weightsSha256: string;
  };
  readonly recipe: string;
  readonly data: string;
  readonly part: "val" | "test";
  readonly samples: number;
  readonly backend: string;
  readonly device: string;
  /** Of the forward passes, reading of pixels included. */
  readonly seconds: number;
  /** The recipe's own metrics by name, loss among them: what training prints after an epoch, to the last bit. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Of every interval in the report; null where no resamples were asked for. */
  readonly confidence: { readonly level: number; readonly resamples: number } | null;
  /** By name of the recipe's head. */
  readonly heads: Readonly<Record<string, HeadReport>>;
}
