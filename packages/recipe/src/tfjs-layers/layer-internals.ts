// Layer, Variable, fieldsOf and others: the parts of tfjs-layers 4.22 that are used here but are not in its public
// types.
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";

export type Layer = layers.Layer;

/** tfjs-layers' LayerVariable; its read() returns `val`. */
export interface Variable {
  readonly shape: number[];
  /** The name after the scope of its layer, for example `dense_Dense1/kernel`. */
  readonly originalName: string;
  val: Tensor;
}

export type Call = (inputs: Tensor | Tensor[], kwargs: { training?: boolean }) => Tensor | Tensor[];

/** Fields of the layer Dropout. */
export interface DropoutFields {
  readonly rate: number;
  readonly noiseShape: unknown;
}

/** Fields of the layer BatchNormalization. */
export interface BatchNormFields {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Variable;
  readonly beta?: Variable;
  readonly movingMean: Variable;
  readonly movingVariance: Variable;
}

export function fieldsOf<Fields>(layer: Layer): Fields {
  return layer as unknown as Fields; // the caller has checked the layer's class, which has these fields
}

export function variablesOf(layer: Layer): { readonly variable: Variable; readonly trainable: boolean }[] {
  const listed = (variables: unknown, trainable: boolean) =>
    (variables as Variable[]).map((variable) => ({ variable, trainable }));
  return [...listed(layer.trainableWeights, true), ...listed(layer.nonTrainableWeights, false)];
}

/** The model's layers, each as many times as one run of the model calls it. Models may be nested. */
export function callsOf(model: LayersModel): Layer[] {
  // A sequential model has no graph before its first run.
  const { nodesByDepth } = model as { nodesByDepth?: LayersModel["nodesByDepth"] };
  const called = nodesByDepth
    ? Object.values(nodesByDepth).flatMap((nodes) => nodes.map(({ outboundLayer }) => outboundLayer))
    : model.layers;
  return called.flatMap((layer) => ("layers" in layer ? callsOf(layer as LayersModel) : [layer]));
}
