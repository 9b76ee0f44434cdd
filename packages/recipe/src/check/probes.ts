// probes: the rules that a recipe must keep so that any number of workers compute the same bytes. Each rule has a probe
// that names what breaks it.
import { isDeepStrictEqual } from "node:util";
import type { CheckedRecipe, WeightValues } from "./checked-recipe.js";
import { close, formatNumber, half } from "./comparison.js";
import { gradientProblem } from "./gradient-probe.js";
import { recordUnseededCalls, type UnseededCall } from "./unseeded-calls.js";

export interface Probe {
  /** The rule, as a sentence. */
  readonly rule: string;
  /** True if the probe's result is meaningless for a recipe that breaks repeatableRule. */
  readonly needsRepeatable?: boolean;
  /** Returns one line that tells what breaks the rule and what to do; null if the recipe keeps the rule. */
  run(checked: CheckedRecipe): string | null;
}

const remedy = "draw random numbers only by net.dropout, augmentation or seeded initialisers";

/** Other probes rely on this rule: see needsRepeatable. */
export const repeatableRule = "the same micro-batch gives the same bytes";

export const probes: readonly Probe[] = [
  {
    rule: "the initial weights are a function of the seed",
    run(checked) {
      const again = checked.initialWeightsOfNewBinding();
      if (!isDeepStrictEqual(Object.keys(again), Object.keys(checked.initial)))
        return "the model has other tensors when the recipe is bound a second time";
      const name = firstDifference(checked.initial, again);
      return name === null ? null : `${name} differs when the recipe is bound a second time: ${remedy}`;
    },
  },
  {
    rule: repeatableRule,
    run(checked) {
      const batch = checked.batch(0, half(checked));
      const { value, calls } = recordCalls(checked, () => [checked.train(batch), checked.train(batch)] as const);
      const [one, two] = value;
      if (calls.length > 0) return `unseeded: a training pass calls ${listed(calls)}; ${remedy}`;
      const name = firstDifference(one.values, two.values);
      if (name !== null) return `unseeded: ${name} differs between two passes over the same images; ${remedy}`;
      return isDeepStrictEqual(one.sums, two.sums)
        ? null
        : `unseeded: losses or metrics differ between two passes over the same images; ${remedy}`;
    },
  },
  {
    rule: "no state is kept between calls",
    needsRepeatable: true,
    run(checked) {
      const batch = checked.batch(0, half(checked));
      const before = checked.train(batch);
      checked.train(checked.batch(half(checked), checked.numSamples - half(checked), { step: 1, microBatch: 1 }));
      const after = checked.train(batch);
      const name = firstDifference(before.values, after.values);
      if (name !== null)
        return `${name} depends on the micro-batch before; keep no variable outside the model's function`;
      const fresh = checked.train(batch, checked.initial, checked.bindAgain());
      const other = firstDifference(before.values, fresh.values);
      return other === null
        ? null
        : `${other} differs when the recipe is bound a second time; keep no variable outside the recipe's functions`;
    },
  },
  {
    rule: "evaluation draws no random numbers and reads no clock",
    run(checked) {
      const batch = checked.batch(0, half(checked));
      const { value, calls } = recordCalls(checked, () => [checked.evaluate(batch), checked.evaluate(batch)] as const);
      if (calls.length > 0) return `an evaluation calls ${listed(calls)}; draw random numbers only in training, seeded`;
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
              return `head ${head} predicts ${formatNumber(a)} for an image in a micro-batch and ${formatNumber(c)} for the same image alone: a mean over the batch? In evaluation use running statistics (net.batchNorm)`;
            }
          }
        }
      }
      return null;
    },
  },
  {
    rule: "the sums of a pass are the totals over its micro-batches",
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
      const halves = sums.map((part) => formatNumber(part[index] ?? Number.NaN)).join(" + ");
      return `${checked.recipe.sumNames[index]} is ${formatNumber(whole[index] ?? Number.NaN)} for all images, but ${halves} for their two halves: a mean over the micro-batch? Divide by the pass constants`;
    },
  },
  {
    rule: "the sums include samples and loss, and samples is the number of samples",
    run(checked) {
      const { sumNames } = checked.recipe;
      const missing = ["samples", "loss"].find((name) => !sumNames.includes(name));
      if (missing !== undefined) return `sumNames does not include "${missing}"`;
      const { sums } = checked.evaluate(checked.batch(0, 3));
      const counted = sums[sumNames.indexOf("samples")];
      return counted === 3 ? null : `the sum "samples" is ${counted} for 3 images`;
    },
  },
  {
    rule: "every parameter gets a finite gradient, and every statistic a finite value, of its shape",
    run(checked) {
      const { values } = checked.train(checked.batch(0, half(checked)));
      for (const { name, shape } of checked.recipe.tensors) {
        const value = values[name];
        if (value === undefined) return `a training pass returns none for ${name}`;
        const size = shape.reduce((product, side) => product * side, 1);
        if (value.length !== size)
          return `${name} has ${size} elements, a training pass returns ${value.length} for it`;
        if (!value.every(Number.isFinite))
          return `a training pass at the initial weights returns a number for ${name} that is not finite`;
      }
      return null;
    },
  },
  { rule: "gradients are the derivatives of the loss", needsRepeatable: true, run: gradientProblem },
  {
    rule: "a pass does not change the weights",
    run(checked) {
      const name = firstDifference(checked.initial, checked.weightsAfterTraining(checked.batch(0, half(checked))));
      return name === null ? null : `a training pass changes ${name}; only Lockstep's optimizer may change weights`;
    },
  },
  {
    rule: "a pass disposes its tensors",
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
      return left === 0
        ? null
        : `a training and an evaluation pass leave ${left} tensors; use no tf.keep and no tf.variable`;
    },
  },
];

function recordCalls<Value>(checked: CheckedRecipe, work: () => Value): { value: Value; calls: UnseededCall[] } {
  return recordUnseededCalls(checked.options.folder, work);
}

function listed(calls: readonly UnseededCall[]): string {
  return [...new Set(calls.map(({ what, place }) => (place === null ? what : `${what} (${place})`)))]
    .slice(0, 3)
    .join(", ");
}

function firstDifference(one: WeightValues, two: WeightValues): string | null {
  return Object.keys(one).find((name) => !isDeepStrictEqual(one[name], two[name])) ?? null;
}
