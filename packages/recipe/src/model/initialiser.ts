// initialWeights: draws the seeded initial values of a model's tensors. Each tensor has a counter of its own, so that
// its values do not depend on the sizes of other tensors.
import { CounterRandom, fillUniform, randomDomain } from "@lockstep/numerics";
import type { ModelTensor } from "../recipe.js";

export type Initialiser =
  | { readonly kind: "constant"; readonly value: number }
  /** Uniform in [-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "normal"; readonly mean: number; readonly std: number }
  /** A value more than two standard deviations from the mean is drawn again. */
  | { readonly kind: "truncatedNormal"; readonly mean: number; readonly std: number };

export interface InitialisedTensor extends ModelTensor {
  readonly initialiser: Initialiser;
}

/** Returns the values by tensor name; float32, row-major. The index of a tensor in `tensors` is its counter. */
export function initialWeights(tensors: readonly InitialisedTensor[], seed: number): Record<string, Float32Array> {
  return Object.fromEntries(
    tensors.map(({ name, shape, initialiser }, index) => {
      const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
      fill(values, initialiser, new CounterRandom(seed, randomDomain.initialisation, index));
      return [name, values];
    }),
  );
}

/** U(-1 / sqrt(fanIn), 1 / sqrt(fanIn)): torch.nn's kaiming_uniform_(a = sqrt(5)). */
export function fanInUniform(fanIn: number): Initialiser {
  return { kind: "uniform", bound: 1 / Math.sqrt(fanIn) };
}

/** The product of all dimensions of a kernel except the last. */
export function fanInOf(shape: readonly number[]): number {
  return shape.slice(0, -1).reduce((product, side) => product * side, 1);
}

export function constant(value: number): Initialiser {
  return { kind: "constant", value };
}

function fill(values: Float32Array, initialiser: Initialiser, random: CounterRandom): void {
  switch (initialiser.kind) {
    case "constant":
      values.fill(initialiser.value);
      return;
    case "uniform":
      fillUniform(random, values);
      values.forEach((uniform, i) => {
        values[i] = (2 * uniform - 1) * initialiser.bound;
      });
      return;
    case "normal":
    case "truncatedNormal": {
      const { mean, std } = initialiser;
      const limit = initialiser.kind === "normal" ? Number.POSITIVE_INFINITY : 2;
      let draw = 0;
      for (let i = 0; i < values.length; i++) {
        let value = normal(random, draw++);
        while (Math.abs(value) > limit) value = normal(random, draw++);
        values[i] = mean + std * value;
      }
      return;
    }
    default:
      initialiser satisfies never;
  }
}

/** The transform of Box and Muller, 1958. Normal number i is made from the uniform numbers 2 i and 2 i + 1. */
function normal(random: CounterRandom, i: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform(2 * i)));
  return radius * Math.cos(2 * Math.PI * random.uniform(2 * i + 1));
}
