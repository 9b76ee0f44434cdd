// Owns what is used of tfjs-layers beyond its public types: fields that its layers have at run time, in 4.22.
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";

export type Layer = layers.Layer;

/** LayerVariable: read() gives `val`. */
export interface Variable {
  readonly shape: number[];
  /** With the scope of its layer in front, e.g. `dense_Dense1/kernel`. */
  readonly originalName: string;
  val: Tensor;
}

export type Call = (inputs: Tensor | Tensor[], kwargs: { training?: boolean }) => Tensor | Tensor[];

/** Of Dropout. */
export interface DropoutFields {
  readonly rate: number;
  readonly noiseShape: unknown;
}

/** Of BatchNormalization. */
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
  return layer as unknown as Fields; // what the class of that name has; checked by who asks
}

export function variablesOf(layer: Layer): { readonly variable: Variable; readonly trainable: boolean }[] {
  const listed = (variables: unknown, trainable: boolean) =>
    (variables as Variable[]).map((variable) => ({ variable, trainable }));
  return [...listed(layer.trainableWeights, true), ...listed(layer.nonTrainableWeights, false)];
}

/** Layers, once for each time that a run of the model calls them. Models may be nested. */
export function callsOf(model: LayersModel): Layer[] {
  // A sequential model that nothing has run yet has no graph.
  const { nodesByDepth } = model as { nodesByDepth?: LayersModel["nodesByDepth"] };
  const called = nodesByDepth
    ? Object.values(nodesByDepth).flatMap((nodes) => nodes.map(({ outboundLayer }) => outboundLayer))
    : model.layers;
  return called.flatMap((layer) => ("layers" in layer ? callsOf(layer as LayersModel) : [layer]));
}
