// Owns the rules that a recipe must keep so that any workers compute the same, each with a probe that names what breaks it.
import { isDeepStrictEqual } from "node:util";
import { type AmbientUse, watchAmbient } from "./ambient-watch.js";
import type { ProbeBench, WeightValues } from "./probe-bench.js";

export interface Probe {
  /** As a rule. */
  readonly rule: string;
  /** It says nothing where the same micro-batch gives other bytes each time. */
  readonly needsRepeatable?: boolean;
  /** One line that says what breaks it and what to do; null where it is kept. */
  run(bench: ProbeBench): string | null;
}

const seeded = "draw by net.dropout, augmentation or seeded initialisers";

/** Others build on it, see needsRepeatable. */
export const repeatableRule = "the same micro-batch gives the same bytes";

export const probes: readonly Probe[] = [
  {
    rule: "the initial weights are a function of the seed",
    run(bench) {
      const again = bench.initialWeightsAnew();
      if (!isDeepStrictEqual(Object.keys(again), Object.keys(bench.initial)))
        return "a second binding has other tensors";
      const name = firstDifference(bench.initial, again);
      return name === null ? null : `${name} differs between two bindings: ${seeded}`;
    },
  },
  {
    rule: repeatableRule,
    run(bench) {
      const batch = bench.batch(0, half(bench));
      const { value, uses } = watched(bench, () => [bench.train(batch), bench.train(batch)] as const);
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
    run(bench) {
      const batch = bench.batch(0, half(bench));
      const before = bench.train(batch);
      bench.train(bench.batch(half(bench), bench.numSamples - half(bench), { step: 1, microBatch: 1 }));
      const after = bench.train(batch);
      const name = firstDifference(before.values, after.values);
      if (name !== null)
        return `${name} depends on which micro-batch came before; keep no variable outside of the model's function`;
      const fresh = bench.train(batch, bench.initial, bench.bindAnew());
      const other = firstDifference(before.values, fresh.values);
      return other === null
        ? null
        : `${other} differs when the recipe is bound anew; keep no variable outside of the recipe's functions`;
    },
  },
  {
    rule: "evaluation draws no random numbers and reads no clock",
    run(bench) {
      const batch = bench.batch(0, half(bench));
      const { value, uses } = watched(bench, () => [bench.evaluate(batch), bench.evaluate(batch)] as const);
      if (uses.length > 0) return `an evaluation calls ${listed(uses)}; use it in training alone, and seeded`;
      return isDeepStrictEqual(value[0], value[1]) ? null : "two evaluations of the same images differ";
    },
  },
  {
    rule: "a sample's prediction does not depend on its micro-batch",
    run(bench) {
      const together = bench.evaluate(bench.batch(0, bench.numSamples)).predictions;
      for (let b = 0; b < bench.numSamples; b++) {
        const alone = bench.evaluate(bench.batch(b, 1)).predictions;
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
    run(bench) {
      const whole = bench.evaluate(bench.batch(0, bench.numSamples)).sums;
      const parts = [bench.batch(0, half(bench)), bench.batch(half(bench), bench.numSamples - half(bench))];
      const sums = parts.map((part) => bench.evaluate(part).sums);
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
      return `${bench.recipe.sumNames[index]} is ${shown(whole[index] ?? Number.NaN)} of all images, but ${halves} of two halves: a mean over the micro-batch? Divide by the pass' constants`;
    },
  },
  {
    rule: "sums name samples and loss, and count the samples",
    run(bench) {
      const { sumNames } = bench.recipe;
      const lacking = ["samples", "loss"].find((name) => !sumNames.includes(name));
      if (lacking !== undefined) return `sumNames lacks "${lacking}"`;
      const { sums } = bench.evaluate(bench.batch(0, 3));
      const counted = sums[sumNames.indexOf("samples")];
      return counted === 3 ? null : `the sum "samples" is ${counted} for 3 images`;
    },
  },
  {
    rule: "every parameter gets a finite gradient of its shape",
    run(bench) {
      const { values } = bench.train(bench.batch(0, half(bench)));
      for (const { name, shape } of bench.recipe.tensors) {
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
    run(bench) {
      const name = firstDifference(bench.initial, bench.weightsAfterTraining(bench.batch(0, half(bench))));
      return name === null ? null : `${name} is changed by training; Lockstep's optimizer alone changes weights`;
    },
  },
  {
    rule: "no tensor is left behind",
    run(bench) {
      const batch = bench.batch(0, half(bench));
      const count = () => bench.options.engine.tf.memory().numTensors;
      const work = () => {
        bench.train(batch);
        bench.evaluate(batch);
      };
      work();
      const before = count();
      work();
      const left = count() - before;
      return left === 0 ? null : `a training and an evaluation pass leave ${left}; use no tf.keep and no tf.variable`;
    },
  },
];

/** Compares the steepest entry of some parameters with differences of the loss. Kinks of ReLU and max-pool forgive one step size. */
function gradientProblem(bench: ProbeBench): string | null {
  const batch = bench.batch(0, half(bench));
  const { values } = bench.train(batch);
  const parameters = bench.recipe.tensors.filter(({ kind }) => kind === "parameter");
  for (const { name } of spread(parameters, 8)) {
    const gradient = values[name] ?? new Float32Array(0);
    const index = steepest(gradient);
    const analytical = gradient[index] ?? 0;
    if (Math.abs(analytical) < 1e-3) continue; // differences in float32 say little about flat ones
    const lossWith = (change: number): number => {
      const moved = bench.initial[name]?.slice() ?? new Float32Array(0);
      moved[index] = (moved[index] ?? Number.NaN) + change;
      return bench.lossOf(bench.train(batch, { ...bench.initial, [name]: moved }));
    };
    const numerical = [1e-2, 2e-3, 5e-4].map((h) => (lossWith(h) - lossWith(-h)) / (2 * h));
    if (numerical.some((slope) => close(slope, analytical, 0.1))) continue;
    return `that of ${name} is ${shown(analytical)} where the loss changes by ${numerical.map(shown).join(", ")}: a loss's gradient that does not belong to it, or a mean over the micro-batch?`;
  }
  return null;
}

function spread<Item>(items: readonly Item[], most: number): Item[] {
  const pace = Math.max(1, items.length / most);
  return items.filter((_, i) => Math.floor(i / pace) !== Math.floor((i - 1) / pace));
}

function steepest(gradient: Float32Array): number {
  return gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best] ?? 0) ? i : best), 0);
}

function half({ numSamples }: ProbeBench): number {
  return Math.floor(numSamples / 2);
}

function watched<Value>(bench: ProbeBench, work: () => Value): { value: Value; uses: AmbientUse[] } {
  return watchAmbient(bench.options.folder, work);
}

function listed(uses: readonly AmbientUse[]): string {
  return [...new Set(uses.map(({ what, place }) => (place === null ? what : `${what} (${place})`)))]
    .slice(0, 3)
    .join(", ");
}

function firstDifference(one: WeightValues, two: WeightValues): string | null {
  return Object.keys(one).find((name) => !isDeepStrictEqual(one[name], two[name])) ?? null;
}

function close(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(1e-2, Math.abs(a), Math.abs(b));
}

function shown(value: number): string {
  return String(Number(value.toPrecision(4)));
}
