// layersPasses: makes the passes of a tfjs-layers model. Differences to tfjs-layers' own training:
// - each pass sets the weights that it is given; the model's own variables are disposed;
// - dropout draws by (seed, step, micro-batch, ordinal);
// - batch norm returns the statistics of its micro-batch, and does not change its running statistics.
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
  /** The layer's own tensor, which is disposed: tfjs throws if the variable is read outside a pass. */
  readonly disposed: Tensor;
  readonly tensor: InitialisedTensor;
}

/** The current training pass, which dropout and batch norm use. */
interface Pass extends TrainingPass {
  readonly tf: Tf;
  numDropouts: number;
}

/** @throws UserError if the model's input or outputs have wrong shapes, or if checkLayer refuses a layer */
export function layersPasses(model: LayersModel, imageSize: number): ModelPasses {
  checkInput(model, imageSize);
  const layers = layersOf(model); // without nested models
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
      for (const { variable, disposed } of variables) variable.val = disposed;
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
  const required = [imageSize, imageSize, 3];
  if (shapes.length === 1 && shapes[0]?.join() === required.join()) return;
  const found = shapes.map((shape) => `[${shape.join(", ")}]`).join(" and ");
  throw new UserError(
    `its model has inputs of shape ${found}; its one input must be the images, [${required.join(", ")}] ([imageSize, imageSize, 3])`,
  );
}

function widthOf(head: string, shape: readonly (number | null)[]): number {
  const [, K, ...more] = shape;
  if (typeof K === "number" && more.length === 0) return K;
  throw new UserError(
    `head ${head}: its layer returns the shape [${shape.join(", ")}]; it must return [images, outputs], as a dense layer does`,
  );
}

/** The model's layers, with those of nested models in place of the models. */
function layersOf(model: LayersModel): Layer[] {
  return model.layers.flatMap((layer) => ("layers" in layer ? layersOf(layer as LayersModel) : [layer]));
}

/**
 * Names the variables `layer/weight`. The numbers in the default names of tfjs-layers count the layers of the whole
 * process; here they are replaced by numbers that count the layers of the model, so that each binding gives the same
 * names.
 */
function nameVariables(layers: readonly Layer[]): NamedVariable[] {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  return layers.flatMap((layer) => {
    const defaultName = new RegExp(`^(.+)_${layer.getClassName()}\\d+$`).exec(layer.name)?.[1];
    const count = (counts.get(defaultName ?? "") ?? 0) + 1;
    if (defaultName !== undefined) counts.set(defaultName, count);
    const layerName = defaultName === undefined ? layer.name : `${defaultName}_${count}`;
    return variablesOf(layer).map(({ variable, trainable }): NamedVariable => {
      const weight = variable.originalName.split("/").at(-1) ?? variable.originalName;
      const name = `${layerName}/${weight}`;
      if (taken.has(name))
        throw new UserError(`layer ${layerName}: the model has two of that name; give each layer another name`);
      taken.add(name);
      const { shape } = variable;
      const initialiser = layerInitialiser(layer, weight, shape);
      const kind = trainable
        ? ({ kind: "parameter", decay: shape.length > 1 } as const)
        : ({ kind: "statistic", momentum: momentumOf(layer) } as const);
      return { variable, disposed: variable.val, tensor: { name, shape: [...shape], ...kind, initialiser } };
    });
  });
}

/** Keras' momentum is the weight of the old value; Lockstep's momentum is the weight of the new value. */
function momentumOf(layer: Layer): number {
  return Number((1 - fieldsOf<BatchNormFields>(layer).momentum).toPrecision(12)); // in floating point, 1 - 0.9 is not 0.1
}

/** Replaces the layer's `call`, if the layer is a dropout or a batch norm. */
function makeRepeatable(layer: Layer, variables: readonly NamedVariable[], current: () => Pass | null): void {
  const fields = fieldsOf<{ call: Call }>(layer);
  const original: Call = fields.call.bind(layer);
  const replacement =
    layer.getClassName() === "Dropout"
      ? (x: Tensor, pass: Pass) => dropOut(x, pass, fieldsOf<DropoutFields>(layer).rate)
      : layer.getClassName() === "BatchNormalization"
        ? (x: Tensor, pass: Pass) => normalise(x, pass, fieldsOf<BatchNormFields>(layer), variables)
        : null;
  if (replacement === null) return;
  fields.call = (inputs, kwargs) => {
    const pass = current();
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    return pass === null || x === undefined ? original(inputs, { ...kwargs, training: false }) : replacement(x, pass);
  };
}

function dropOut(x: Tensor, pass: Pass, rate: number): Tensor {
  const { tf, key } = pass;
  const layer = pass.numDropouts++;
  if (rate === 0) return x;
  return tf.mul(x, tf.tensor(dropoutMask({ key, layer, rate, size: x.size }), x.shape));
}

function normalise(x: Tensor, pass: Pass, layer: BatchNormFields, variables: readonly NamedVariable[]): Tensor {
  const { tf, statistics } = pass;
  const C = x.shape.at(-1) ?? 1;
  const scale = (layer.gamma?.val ?? tf.ones([C])) as Tensor1D; // shape C
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
