// writeContribution() writes one micro-batch's contribution into a flat array: the gradients, then the statistics times
// the number of samples, at the offsets of the flat layout.
import { scaleInto } from "@lockstep/numerics";
import type { TensorLayout } from "@lockstep/protocol";
import type { Engine, TrainingResult } from "@lockstep/recipe";

export interface WriteContribution {
  readonly result: TrainingResult;
  readonly layout: TensorLayout;
  /** Samples of the micro-batch. */
  readonly numSamples: number;
  readonly engine: Pick<Engine, "readInto">;
  /** Holds the layout's `numElements`; each of them is written. */
  readonly out: Float32Array;
}

/** @throws Error if the recipe's result lacks a tensor of the layout, or has it with another size or dtype */
export function writeContribution({ result, layout, numSamples, engine, out }: WriteContribution): void {
  for (const placed of layout.tensors) {
    const { name, kind, offset, size } = placed;
    const tensor = (kind === "parameter" ? result.gradients : result.statistics)[name];
    const what = kind === "parameter" ? `gradient of ${name}` : `statistic ${name}`;
    if (tensor === undefined) throw new Error(`the recipe returned no ${what}`);
    if (tensor.size !== size || tensor.dtype !== "float32") {
      throw new Error(`the ${what} is ${tensor.dtype}[${tensor.shape}], the layout has float32[${placed.shape}]`);
    }
    engine.readInto(tensor, out.subarray(offset, offset + size));
  }
  scaleInto(out.subarray(layout.numParameters), numSamples);
}
