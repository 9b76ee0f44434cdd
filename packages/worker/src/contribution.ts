// Owns the form of one micro-batch's contribution: gradients, then statistics times their sample count, at the places
// that the flat layout gives them.
import { scaleInto } from "@lockstep/numerics";
import type { TensorLayout } from "@lockstep/protocol";
import type { Engine, TrainingResult } from "@lockstep/recipe";

export interface WriteContribution {
  readonly result: TrainingResult;
  readonly layout: TensorLayout;
  /** Samples of the micro-batch. */
  readonly numSamples: number;
  readonly engine: Pick<Engine, "readInto">;
  /** All of the layout's elements; every one is written. */
  readonly out: Float32Array;
}

export function writeContribution({ result, layout, numSamples, engine, out }: WriteContribution): void {
  for (const placed of layout.tensors) {
    const { name, kind, offset, size } = placed;
    const tensor = (kind === "parameter" ? result.gradients : result.statistics)[name];
    const what = kind === "parameter" ? `gradient of ${name}` : `statistic ${name}`;
    if (tensor === undefined) throw new Error(`the recipe gave no ${what}`);
    if (tensor.size !== size || tensor.dtype !== "float32") {
      throw new Error(`the ${what} is ${tensor.dtype}[${tensor.shape}], the layout has float32[${placed.shape}]`);
    }
    engine.readInto(tensor, out.subarray(offset, offset + size));
  }
  scaleInto(out.subarray(layout.numParameters), numSamples);
}
