// Defines EvaluationReport, the result of an evaluation as plain JSON. head-report.ts defines the part about a head.
import type { HeadReport } from "./head-report.js";

export interface EvaluationReport {
  readonly checkpoint: {
    readonly path: string;
    /** Number of optimizer updates. */
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
  /** Duration of the forward passes, including the reading of pixels. */
  readonly seconds: number;
  /**
   * The recipe's own metrics by name, including the loss. They equal those that training prints after an epoch, to the
   * last bit.
   */
  readonly metrics: Readonly<Record<string, number>>;
  /** Level and number of resamples of every interval in the report; null if there are no intervals. */
  readonly confidence: { readonly level: number; readonly resamples: number } | null;
  /** By name of the head. */
  readonly heads: Readonly<Record<string, HeadReport>>;
}
