// Owns running a tfjs-layers model as Lockstep needs it: its variables are put aside and every pass brings the weights; dropout
// draws by (seed, step, micro-batch, ordinal); batch norm hands out its micro-batch's statistics and changes nothing.
//
// B batch, H height, W width, C channels
import { UserError } from "@lockstep/errors";
import type { Tensor, Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { batchNormTraining } from "../layers/batch-norm.js";
import { dropoutMask } from "../layers/dropout-mask.js";
import type { InitialisedTensor } from "../model/initialiser.js";
import { type HeadTensors, type ModelPasses, type TrainingPass, weightNamed } from "../model/model-passes.js";
import type { Tf, Weights } from "../recipe.js";
import { layerInitialiser } from "./layer-initialiser.js";
import {
  type BatchNormFields,
  type Call,
  callsOf,
  type DropoutFields,
  fieldsOf,
  type Layer,
  type Variable,
  variablesOf,
} from "./layer-internals.js";
import { checkLayer } from "./layer-rules.js";

interface NamedVariable {
  readonly variable: Variable;
  /** The layer's own, disposed: who reads a variable outside of a pass is told so. */
  readonly absent: Tensor;
  readonly tensor: InitialisedTensor;
}

/** The pass under way, for the layers that need to know of it. */
interface Pass extends TrainingPass {
  readonly tf: Tf;
  numDropouts: number;
}

/** @throws UserError that names a layer which breaks a rule */
export function layersPasses(model: LayersModel, imageSize: number): ModelPasses {
  checkInput(model, imageSize);
  const layers = leavesOf(model);
  const calls = callsOf(model);
  for (const layer of layers) checkLayer(layer, calls.filter((called) => called === layer).length);
  const variables = nameVariables(layers);
  for (const { variable } of variables) variable.val.dispose();
  const outputs = model.outputs.map(({ sourceLayer, shape }) => ({ name: sourceLayer.name, shape }));
  let pass: Pass | null = null;
  for (const layer of layers) makeRepeatable(layer, variables, () => pass);

  function run(weights: Weights, images_BHWC: Tensor4D, training: boolean): HeadTensors {
    for (const { variable, tensor } of variables) variable.val = weightNamed(weights, tensor.name);
    try {
      const result = model.apply(images_BHWC, { training }) as Tensor | Tensor[]; // tensors in, tensors out
      const tensors = Array.isArray(result) ? result : [result];
      return Object.fromEntries(outputs.map(({ name }, i) => [name, tensors[i] as Tensor])); // one for each
    } finally {
      for (const { variable, absent } of variables) variable.val = absent;
    }
  }

  return {
    tensors: variables.map(({ tensor }) => tensor),
    widths: Object.fromEntries(outputs.map(({ name, shape }) => [name, widthOf(name, shape)])),
    forwardTraining(tf, weights, images_BHWC, { key, statistics }) {
      pass = { tf, key, statistics, numDropouts: 0 };
      try {
        return run(weights, images_BHWC, true);
      } finally {
        pass = null;
      }
    },
    forwardInference: (_tf, weights, images_BHWC) => run(weights, images_BHWC, false),
  };
}

function checkInput(model: LayersModel, imageSize: number): void {
  const shapes = model.inputs.map(({ shape }) => shape.slice(1));
  const wanted = [imageSize, imageSize, 3];
  if (shapes.length === 1 && shapes[0]?.join() === wanted.join()) return;
  const found = shapes.map((shape) => `[${shape.join(", ")}]`).join(" and ");
  throw new UserError(
    `its model takes ${found}; it must take the images, [${wanted.join(", ")}] ([imageSize, imageSize, 3])`,
  );
}

function widthOf(head: string, shape: readonly (number | null)[]): number {
  const [, K, ...more] = shape;
  if (typeof K === "number" && more.length === 0) return K;
  throw new UserError(
    `head ${head}: its layer gives [${shape.join(", ")}]; it must give [images, outputs], as a dense layer`,
  );
}

/** Models may be nested. */
function leavesOf(model: LayersModel): Layer[] {
  return model.layers.flatMap((layer) => ("layers" in layer ? leavesOf(layer as LayersModel) : [layer]));
}

/** `layer/weight`. Names that tfjs-layers makes up count through the whole process; here they count within the model. */
function nameVariables(layers: readonly Layer[]): NamedVariable[] {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  return layers.flatMap((layer) => {
    const madeUp = new RegExp(`^(.+)_${layer.getClassName()}\\d+$`).exec(layer.name)?.[1];
    const count = (counts.get(madeUp ?? "") ?? 0) + 1;
    if (madeUp !== undefined) counts.set(madeUp, count);
    const layerName = madeUp === undefined ? layer.name : `${madeUp}_${count}`;
    return variablesOf(layer).map(({ variable, trainable }): NamedVariable => {
      const weight = variable.originalName.split("/").at(-1) ?? variable.originalName;
      const name = `${layerName}/${weight}`;
      if (taken.has(name))
        throw new UserError(`layer ${layerName}: there are two of that name; give each layer a name of its own`);
      taken.add(name);
      const { shape } = variable;
      const initialiser = layerInitialiser(layer, weight, shape);
      const kind = trainable
        ? ({ kind: "parameter", decay: shape.length > 1 } as const)
        : ({ kind: "statistic", momentum: momentumOf(layer) } as const);
      return { variable, absent: variable.val, tensor: { name, shape: [...shape], ...kind, initialiser } };
    });
  });
}

/** Keras' momentum is the share of the old value, Lockstep's that of the new one. */
function momentumOf(layer: Layer): number {
  return Number((1 - fieldsOf<BatchNormFields>(layer).momentum).toPrecision(12)); // 1 - 0.9 is not 0.1
}

function makeRepeatable(layer: Layer, variables: readonly NamedVariable[], current: () => Pass | null): void {
  const fields = fieldsOf<{ call: Call }>(layer);
  const original: Call = fields.call.bind(layer);
  const replacement =
    layer.getClassName() === "Dropout"
      ? (x: Tensor, pass: Pass) => droppedOut(x, pass, fieldsOf<DropoutFields>(layer).rate)
      : layer.getClassName() === "BatchNormalization"
        ? (x: Tensor, pass: Pass) => normed(x, pass, fieldsOf<BatchNormFields>(layer), variables)
        : null;
  if (replacement === null) return;
  fields.call = (inputs, kwargs) => {
    const pass = current();
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    return pass === null || x === undefined ? original(inputs, { ...kwargs, training: false }) : replacement(x, pass);
  };
}

function droppedOut(x: Tensor, pass: Pass, rate: number): Tensor {
  const { tf, key } = pass;
  const layer = pass.numDropouts++;
  if (rate === 0) return x;
  return tf.mul(x, tf.tensor(dropoutMask({ key, layer, rate, size: x.size }), x.shape));
}

function normed(x: Tensor, pass: Pass, layer: BatchNormFields, variables: readonly NamedVariable[]): Tensor {
  const { tf, statistics } = pass;
  const C = x.shape.at(-1) ?? 1;
  const scale = (layer.gamma?.val ?? tf.ones([C])) as Tensor1D; // C, as the layer made it
  const offset = (layer.beta?.val ?? tf.zeros([C])) as Tensor1D;
  const trained = batchNormTraining(tf, x, { scale, offset }, layer.epsilon);
  statistics[nameOf(layer.movingMean, variables)] = trained.statistics.mean;
  statistics[nameOf(layer.movingVariance, variables)] = trained.statistics.variance;
  return trained.y;
}

function nameOf(variable: Variable, variables: readonly NamedVariable[]): string {
  const found = variables.find((candidate) => candidate.variable === variable);
  if (found === undefined) throw new Error(`variable ${variable.originalName} belongs to no layer of the model`);
  return found.tensor.name;
}
