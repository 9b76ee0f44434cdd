// uploadWeights: uploads a model's tensors to an engine.
import type { Weights } from "../recipe.js";
import type { Engine } from "./engine.js";

/**
 * The caller disposes the returned tensors.
 * @param valuesOf returns a tensor's values, row-major; they are copied
 */
export function uploadWeights<Entry extends { readonly name: string; readonly shape: readonly number[] }>(
  engine: Pick<Engine, "upload">,
  tensors: readonly Entry[],
  valuesOf: (tensor: Entry) => Float32Array,
): Weights {
  return Object.fromEntries(tensors.map((tensor) => [tensor.name, engine.upload(valuesOf(tensor), tensor.shape)]));
}
