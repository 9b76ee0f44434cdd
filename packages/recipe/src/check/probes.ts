// Owns the rules that a recipe must keep so that any workers compute the same, each with a probe that names what breaks it.
import { isDeepStrictEqual } from "node:util";
import type { CheckedRecipe, WeightValues } from "./checked-recipe.js";
import { close, half, shown } from "./comparison.js";
import { gradientProblem } from "./gradient-probe.js";
import { recordUnseededCalls, type UnseededCall } from "./unseeded-calls.js";

export interface Probe {
  /** As a rule. */
  readonly rule: string;
  /** It says nothing where the same micro-batch gives other bytes each time. */
  readonly needsRepeatable?: boolean;
  /** One line that says what breaks it and what to do; null where it is kept. */
  run(checked: CheckedRecipe): string | null;
}

const seeded = "draw by net.dropout, augmentation or seeded initialisers";

/** Others build on it, see needsRepeatable. */
export const repeatableRule = "the same micro-batch gives the same bytes";

export const probes: readonly Probe[] = [
  {
    rule: "the initial weights are a function of the seed",
    run(checked) {
      const again = checked.initialWeightsAnew();
      if (!isDeepStrictEqual(Object.keys(again), Object.keys(checked.initial)))
        return "a second binding has other tensors";
      const name = firstDifference(checked.initial, again);
      return name === null ? null : `${name} differs between two bindings: ${seeded}`;
    },
  },
  {
    rule: repeatableRule,
    run(checked) {
      const batch = checked.batch(0, half(checked));
      const { value, uses } = watched(checked, () => [checked.train(batch), checked.train(batch)] as const);
      const [one, two] = value;
      if (uses.length > 0) return `unseeded: a training pass calls ${listed(uses)}; ${seeded}`;
      const name = firstDifference(one.values, two.values);
      if (name !== null) return `unseeded: ${name} differs between two passes over the same images; ${seeded}`;
      return isDeepStrictEqual(one.sums, two.sums) ? null : `unseeded: losses or metrics differ; ${seeded}`;
    },
  },
  {
    rule: "nothing is kept between calls",
    needsRepeatable: true,
    run(checked) {
      const batch = checked.batch(0, half(checked));
      const before = checked.train(batch);
      checked.train(checked.batch(half(checked), checked.numSamples - half(checked), { step: 1, microBatch: 1 }));
      const after = checked.train(batch);
      const name = firstDifference(before.values, after.values);
      if (name !== null)
        return `${name} depends on which micro-batch came before; keep no variable outside of the model's function`;
      const fresh = checked.train(batch, checked.initial, checked.bindAnew());
      const other = firstDifference(before.values, fresh.values);
      return other === null
        ? null
        : `${other} differs when the recipe is bound anew; keep no variable outside of the recipe's functions`;
    },
  },
  {
    rule: "evaluation draws no random numbers and reads no clock",
    run(checked) {
      const batch = checked.batch(0, half(checked));
      const { value, uses } = watched(checked, () => [checked.evaluate(batch), checked.evaluate(batch)] as const);
      if (uses.length > 0) return `an evaluation calls ${listed(uses)}; use it in training alone, and seeded`;
      return isDeepStrictEqual(value[0], value[1]) ? null : "two evaluations of the same images differ";
    },
  },
  {
    rule: "a sample's prediction does not depend on its micro-batch",
    run(checked) {
      const together = checked.evaluate(checked.batch(0, checked.numSamples)).predictions;
      for (let b = 0; b < checked.numSamples; b++) {
        const alone = checked.evaluate(checked.batch(b, 1)).predictions;
        for (const [head, { width, values }] of Object.entries(together)) {
          for (let k = 0; k < width; k++) {
            const [a = Number.NaN, c = Number.NaN] = [values[b * width + k], alone[head]?.values[k]];
            if (!close(a, c, 1e-3)) {
              return `head ${head} says ${shown(a)} of an image among others and ${shown(c)} of it alone: a mean over the batch? In evaluation use running statistics (net.batchNorm)`;
            }
          }
        }
      }
      return null;
    },
  },
  {
    rule: "the sums of a pass' micro-batches are the pass' sums",
    run(checked) {
      const whole = checked.evaluate(checked.batch(0, checked.numSamples)).sums;
      const parts = [checked.batch(0, half(checked)), checked.batch(half(checked), checked.numSamples - half(checked))];
      const sums = parts.map((part) => checked.evaluate(part).sums);
      const index = whole.findIndex(
        (value, i) =>
          !close(
            value,
            sums.reduce((total, part) => total + (part[i] ?? 0), 0),
            1e-4,
          ),
      );
      if (index < 0) return null;
      const halves = sums.map((part) => shown(part[index] ?? Number.NaN)).join(" + ");
      return `${checked.recipe.sumNames[index]} is ${shown(whole[index] ?? Number.NaN)} of all images, but ${halves} of two halves: a mean over the micro-batch? Divide by the pass' constants`;
    },
  },
  {
    rule: "sums name samples and loss, and count the samples",
    run(checked) {
      const { sumNames } = checked.recipe;
      const lacking = ["samples", "loss"].find((name) => !sumNames.includes(name));
      if (lacking !== undefined) return `sumNames lacks "${lacking}"`;
      const { sums } = checked.evaluate(checked.batch(0, 3));
      const counted = sums[sumNames.indexOf("samples")];
      return counted === 3 ? null : `the sum "samples" is ${counted} for 3 images`;
    },
  },
  {
    rule: "every parameter gets a finite gradient of its shape",
    run(checked) {
      const { values } = checked.train(checked.batch(0, half(checked)));
      for (const { name, shape } of checked.recipe.tensors) {
        const value = values[name];
        if (value === undefined) return `${name} gets none`;
        const size = shape.reduce((product, side) => product * side, 1);
        if (value.length !== size) return `${name} has ${size} elements, its gradient ${value.length}`;
        if (!value.every(Number.isFinite)) return `that of ${name} is not finite at the initial weights`;
      }
      return null;
    },
  },
  { rule: "gradients are those of the loss", needsRepeatable: true, run: gradientProblem },
  {
    rule: "weights are not changed by a pass",
    run(checked) {
      const name = firstDifference(checked.initial, checked.weightsAfterTraining(checked.batch(0, half(checked))));
      return name === null ? null : `${name} is changed by training; Lockstep's optimizer alone changes weights`;
    },
  },
  {
    rule: "no tensor is left behind",
    run(checked) {
      const batch = checked.batch(0, half(checked));
      const count = () => checked.options.engine.tf.memory().numTensors;
      const work = () => {
        checked.train(batch);
        checked.evaluate(batch);
      };
      work();
      const before = count();
      work();
      const left = count() - before;
      return left === 0 ? null : `a training and an evaluation pass leave ${left}; use no tf.keep and no tf.variable`;
    },
  },
];

function watched<Value>(checked: CheckedRecipe, work: () => Value): { value: Value; uses: UnseededCall[] } {
  return recordUnseededCalls(checked.options.folder, work);
}

function listed(uses: readonly UnseededCall[]): string {
  return [...new Set(uses.map(({ what, place }) => (place === null ? what : `${what} (${place})`)))]
    .slice(0, 3)
    .join(", ");
}

function firstDifference(one: WeightValues, two: WeightValues): string | null {
  return Object.keys(one).find((name) => !isDeepStrictEqual(one[name], two[name])) ?? null;
}
