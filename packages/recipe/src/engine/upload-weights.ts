// uploadWeights: a model's tensors on an engine, from values in arrays.
import type { Weights } from "../recipe.js";
import type { Engine } from "./engine.js";

/** @param valuesOf a tensor's values, row-major; they are copied. The caller disposes the tensors. */
export function uploadWeights<Entry extends { readonly name: string; readonly shape: readonly number[] }>(
  engine: Pick<Engine, "upload">,
  tensors: readonly Entry[],
  valuesOf: (tensor: Entry) => Float32Array,
): Weights {
  return Object.fromEntries(tensors.map((tensor) => [tensor.name, engine.upload(valuesOf(tensor), tensor.shape)]));
}
