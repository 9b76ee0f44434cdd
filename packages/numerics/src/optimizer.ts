// Makes an optimizer with `createOptimizer`: its state over the flat parameters, and updates of all parameters. The layout tells
// which parameters decay. The statistics after the parameters never change.
import { type AdamConstants, adamStep, adamwStep, sgdStep } from "./optimizer-step.js";

/** The run spec's optimizer section. Fields of other optimizers are ignored. */
export interface OptimizerSettings {
  readonly name: "adam" | "adamw" | "sgd";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly momentum: number;
  /** adam, sgd: L2. adamw: decoupled. */
  readonly weightDecay: number;
}

/** The part of a tensor layout (packages/protocol) that an optimizer needs. Parameters come first, without gaps. */
export interface OptimizerLayout {
  readonly numParameters: number;
  readonly tensors: readonly {
    readonly offset: number;
    readonly size: number;
    readonly kind: "parameter" | "statistic";
    readonly decay?: boolean | undefined;
  }[];
}

export interface OptimizerState {
  readonly name: string;
  /** numParameters elements. The array belongs to the optimizer, and each step changes it. */
  readonly values: Float32Array;
}

export interface OptimizerUpdate {
  /** At least numParameters elements, changed in place. */
  readonly weights: Float32Array;
  /** At least numParameters elements, not changed. */
  readonly gradient: Float32Array;
  /** Number of updates before this one. */
  readonly stepIndex: number;
  readonly learningRate: number;
  /** The gradient is multiplied by it first: see clippingFactor. */
  readonly gradientScale: number;
}

export interface Optimizer {
  /** The arrays that a checkpoint stores besides the weights, in a fixed order. */
  readonly state: readonly OptimizerState[];
  /** Replaces the state by a copy of a saved one. @throws Error if names or lengths differ */
  restore(saved: readonly OptimizerState[]): void;
  /** Applies one update to the weights and the state. */
  step(update: OptimizerUpdate): void;
}

/** Consecutive parameters with the same weight decay. */
interface DecayRange {
  readonly start: number;
  readonly end: number;
  readonly weightDecay: number;
}

/** Makes an optimizer whose state is all zeros. @throws Error if the layout's parameters have gaps */
export function createOptimizer(settings: OptimizerSettings, layout: OptimizerLayout): Optimizer {
  const ranges = decayRanges(layout, settings.weightDecay);
  const names = stateNames(settings);
  const state = names.map((name) => ({ name, values: new Float32Array(layout.numParameters) }));
  return {
    state,
    restore(saved) {
      const found = saved.map((entry) => entry.name).join(", ");
      if (found !== names.join(", "))
        throw new Error(`optimizer state: has ${found || "no arrays"}, ${settings.name} needs ${names}`);
      for (const [index, { name, values }] of saved.entries()) {
        if (values.length !== layout.numParameters) {
          throw new Error(`optimizer state ${name}: ${values.length} elements, not ${layout.numParameters}`);
        }
        state[index]?.values.set(values);
      }
    },
    step(update) {
      for (const range of ranges) stepRange(settings, state, update, range);
    },
  };
}

function stateNames({ name, momentum }: OptimizerSettings): string[] {
  if (name === "sgd") return momentum === 0 ? [] : ["velocity"];
  return ["firstMoment", "secondMoment"];
}

function stepRange(
  settings: OptimizerSettings,
  state: readonly OptimizerState[],
  { weights, gradient, stepIndex, learningRate, gradientScale }: OptimizerUpdate,
  { start, end, weightDecay }: DecayRange,
): void {
  const w = weights.subarray(start, end);
  const g = gradient.subarray(start, end);
  const [first, second] = state.map(({ values }) => values.subarray(start, end));
  if (settings.name === "sgd") {
    const { momentum } = settings;
    sgdStep(w, g, first ?? null, { momentum, learningRate, weightDecay, gradientScale });
    return;
  }
  if (!first || !second) throw new Error(`${settings.name} has no state`);
  const { beta1, beta2, epsilon } = settings;
  const constants: AdamConstants = {
    beta1,
    beta2,
    epsilon,
    learningRate,
    gradientScale,
    weightDecay,
    update: stepIndex + 1,
  };
  if (settings.name === "adam") adamStep(w, g, first, second, constants);
  else adamwStep(w, g, first, second, constants);
}

/** Joins neighbouring parameters with the same decay into one range. @throws Error if there is a gap */
function decayRanges({ tensors, numParameters }: OptimizerLayout, weightDecay: number): DecayRange[] {
  const ranges: DecayRange[] = [];
  const parameters = tensors.filter((tensor) => tensor.kind === "parameter").sort((a, b) => a.offset - b.offset);
  let start = 0;
  for (const { offset, size, decay } of parameters) {
    if (offset !== start) throw new Error(`optimizer layout: a parameter starts at ${offset}, not at ${start}`);
    const end = offset + size;
    const rangeDecay = decay === false ? 0 : weightDecay;
    const last = ranges.at(-1);
    if (last?.weightDecay === rangeDecay) ranges[ranges.length - 1] = { ...last, end };
    else ranges.push({ start, end, weightDecay: rangeDecay });
    start = end;
  }
  if (start !== numParameters)
    throw new Error(`optimizer layout: the tensors have ${start} parameters, numParameters is ${numParameters}`);
  return ranges;
}
