// Owns the list of the multitask CNN's tensors (names, shapes, fan-in) and their seeded initial values: PyTorch's
// initialisers, so that references compare. Names follow `layer/tensor`, layers count from 1.

import { fairfaceClasses } from "@lockstep/dataset";
import { CounterRandom, fillUniform, randomDomain } from "@lockstep/numerics";
import { normMomentum } from "../layers/norm-relu-pool.js";
import type { ModelTensor } from "../recipe.js";
import type { FairfaceOptions } from "./options.js";

/** Outputs of each head. Gender: one logit of "Female". Race: a logit a class. Age: years / 100. */
export const headWidths = { gender: 1, race: fairfaceClasses.race.length, age: 1 } as const;
export type Head = keyof typeof headWidths;
export const heads = ["gender", "race", "age"] as const satisfies readonly Head[];

const kernelSide = 3;
const imageChannels = 3;

type Initialiser =
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "constant"; readonly value: number };

interface InitialisedTensor extends ModelTensor {
  readonly initialiser: Initialiser;
}

export function modelTensors(options: FairfaceOptions, imageSize: number): ModelTensor[] {
  return initialisedTensors(options, imageSize).map(({ initialiser: _, ...tensor }) => tensor);
}

/** By tensor name; float32, row-major. Each tensor draws from its own counter, so that none depends on another's size. */
export function initialWeights(
  options: FairfaceOptions,
  imageSize: number,
  seed: number,
): Record<string, Float32Array> {
  return Object.fromEntries(
    initialisedTensors(options, imageSize).map(({ name, shape, initialiser }, index) => {
      const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
      if (initialiser.kind === "constant") return [name, values.fill(initialiser.value)];
      const { bound } = initialiser;
      fillUniform(new CounterRandom(seed, randomDomain.initialisation, index), values);
      values.forEach((uniform, i) => {
        values[i] = (2 * uniform - 1) * bound;
      });
      return [name, values];
    }),
  );
}

function initialisedTensors({ widths, denseUnits }: FairfaceOptions, imageSize: number): InitialisedTensor[] {
  const tensors: InitialisedTensor[] = [];
  let channels = imageChannels;
  widths.forEach((width, index) => {
    const block = index + 1;
    tensors.push(
      kernel(`conv${block}/kernel`, [kernelSide, kernelSide, channels, width]),
      ...norm(`norm${block}`, width),
    );
    channels = width;
  });
  const side = imageSize / 2 ** widths.length;
  tensors.push(...denseLayer("dense", channels * side * side, denseUnits));
  for (const head of heads) tensors.push(...denseLayer(head, denseUnits, headWidths[head]));
  return tensors;
}

/** U(-1 / sqrt(fanIn), 1 / sqrt(fanIn)): torch.nn's kaiming_uniform_(a = sqrt(5)). fanIn: all sides but the last. */
function kernel(name: string, shape: number[]): InitialisedTensor {
  return {
    name,
    shape,
    kind: "parameter",
    decay: true,
    initialiser: { kind: "uniform", bound: 1 / Math.sqrt(fanIn(shape)) },
  };
}

function denseLayer(name: string, features: number, units: number): InitialisedTensor[] {
  const bias = { kind: "uniform", bound: 1 / Math.sqrt(features) } as const;
  return [
    kernel(`${name}/kernel`, [features, units]),
    { name: `${name}/bias`, shape: [units], kind: "parameter", decay: false, initialiser: bias },
  ];
}

function norm(name: string, width: number): InitialisedTensor[] {
  const constant = (value: number): Initialiser => ({ kind: "constant", value });
  const shape = [width];
  return [
    { name: `${name}/scale`, shape, kind: "parameter", decay: false, initialiser: constant(1) },
    { name: `${name}/offset`, shape, kind: "parameter", decay: false, initialiser: constant(0) },
    { name: `${name}/mean`, shape, kind: "statistic", momentum: normMomentum, initialiser: constant(0) },
    { name: `${name}/variance`, shape, kind: "statistic", momentum: normMomentum, initialiser: constant(1) },
  ];
}

function fanIn(shape: readonly number[]): number {
  return shape.slice(0, -1).reduce((product, side) => product * side, 1);
}
