// layerInitialiser: translates the initialiser of a tfjs-layers weight to Lockstep's. Lockstep draws the initial values
// from the run's seed; a layer's own random numbers cannot be repeated.
import { UserError } from "@lockstep/errors";
import { constant, type Initialiser } from "../model/initialiser.js";
import { fieldsOf, type Layer } from "./layer-internals.js";

/** The fields of tfjs-layers' initialisers, by their names there. Each class has some of them. */
interface Settings {
  readonly value?: number;
  readonly minval?: number;
  readonly maxval?: number;
  readonly mean?: number;
  readonly stddev?: number;
  readonly scale?: number;
  readonly mode?: "fanIn" | "fanOut" | "fanAvg";
  readonly distribution?: "normal" | "uniform";
}

interface LayerInitialiser {
  getClassName(): string;
}

/**
 * @param weight the weight's name in tfjs-layers, for example `kernel`, `depthwise_kernel` or `moving_mean`
 * @throws UserError if Lockstep does not support the initialiser
 */
export function layerInitialiser(layer: Layer, weight: string, shape: readonly number[]): Initialiser {
  const field = `${camelCase(weight === "kernel" ? weight : weight.replace(/_kernel$/, ""))}Initializer`;
  const found = fieldsOf<Record<string, LayerInitialiser | undefined>>(layer)[field];
  const where = `layer ${layer.name} (${layer.getClassName()}), weight ${weight}`;
  if (found === undefined)
    throw new UserError(`${where}: has no ${field}, so Lockstep cannot draw its initial values; use another layer`);
  const settings = found as Settings; // its fields have these names
  switch (found.getClassName()) {
    case "Zeros":
      return constant(0);
    case "Ones":
      return constant(1);
    case "Constant":
      return constant(settings.value ?? 0);
    case "RandomUniform": {
      const { minval = -0.05, maxval = 0.05 } = settings;
      if (minval !== -maxval)
        throw new UserError(`${where}: randomUniform from ${minval} to ${maxval}: must be symmetric about 0`);
      return { kind: "uniform", bound: maxval };
    }
    case "RandomNormal":
      return { kind: "normal", mean: settings.mean ?? 0, std: settings.stddev ?? 0.05 };
    case "TruncatedNormal":
      return { kind: "truncatedNormal", mean: settings.mean ?? 0, std: settings.stddev ?? 0.05 };
    case "VarianceScaling":
    case "GlorotUniform":
    case "GlorotNormal":
    case "HeNormal":
    case "HeUniform":
    case "LeCunNormal":
    case "LeCunUniform":
      return varianceScaling(settings, shape);
    default:
      throw new UserError(
        `${where}: initialiser ${found.getClassName()} is not supported; use glorotUniform, heNormal, randomNormal, zeros, ...`,
      );
  }
}

/** Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998. */
function varianceScaling(
  { scale = 1, mode = "fanIn", distribution = "normal" }: Settings,
  shape: readonly number[],
): Initialiser {
  const { fanIn, fanOut } = fans(shape);
  const fan = mode === "fanIn" ? fanIn : mode === "fanOut" ? fanOut : (fanIn + fanOut) / 2;
  const variance = scale / Math.max(1, fan);
  return distribution === "normal"
    ? { kind: "truncatedNormal", mean: 0, std: Math.sqrt(variance) }
    : { kind: "uniform", bound: Math.sqrt(3 * variance) };
}

/** The last two dimensions are input and output channels, the others are the window. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    const root = Math.sqrt(shape[0] ?? 1);
    return { fanIn: root, fanOut: root };
  }
  const window = shape.slice(0, -2).reduce((product, side) => product * side, 1);
  return { fanIn: window * (shape.at(-2) ?? 1), fanOut: window * (shape.at(-1) ?? 1) };
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
