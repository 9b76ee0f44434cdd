// checkLayer: refuses the layers of tfjs-layers that Lockstep cannot train, with the layer to use instead. A refused
// layer would draw random numbers of its own, keep state between calls, or have a setting that Lockstep would ignore.
import { UserError } from "@lockstep/errors";
import { type BatchNormFields, type DropoutFields, fieldsOf, type Layer, variablesOf } from "./layer-internals.js";

const refusedLayers: Readonly<Record<string, string>> = {
  GaussianNoise: "draws random numbers without the run's seed; use Dropout, or augmentation",
  GaussianDropout: "draws random numbers without the run's seed; use Dropout",
  AlphaDropout: "draws random numbers without the run's seed; use Dropout",
  SpatialDropout1D: "draws random numbers without the run's seed; use Dropout",
  RandomWidth: "draws random numbers without the run's seed; use the recipe's augmentation",
  RNN: "keeps state between calls; recurrent layers are not supported",
  SimpleRNN: "keeps state between calls; recurrent layers are not supported",
  GRU: "keeps state between calls; recurrent layers are not supported",
  LSTM: "keeps state between calls; recurrent layers are not supported",
  ConvLSTM2D: "keeps state between calls; recurrent layers are not supported",
  Bidirectional: "wraps a recurrent layer; recurrent layers are not supported",
  TimeDistributed: "applies a layer to each time step, which is not supported; use the layer itself",
};

/**
 * @param numCalls how many times one run of the model calls the layer
 * @throws UserError that names the layer and the remedy
 */
export function checkLayer(layer: Layer, numCalls: number): void {
  const refuse = (what: string): never => {
    throw new UserError(`layer ${layer.name} (${layer.getClassName()}): ${what}`);
  };
  const reason = refusedLayers[layer.getClassName()];
  if (reason !== undefined) refuse(reason);
  if (isFrozen(layer)) refuse("is frozen (trainable: false); Lockstep trains every parameter: remove trainable: false");
  const penalty = Object.entries(layer).find(([field, value]) => field.endsWith("Regularizer") && value != null);
  if (penalty)
    refuse(
      `${penalty[0]} is not supported: its penalty would not be in the loss; use --optimizer adamw --weight-decay`,
    );
  const constraint = Object.entries(layer).find(([field, value]) => field.endsWith("Constraint") && value != null);
  if (constraint) refuse(`${constraint[0]} is not supported: it would not be applied; remove it`);
  if (layer.getClassName() === "Dropout" && fieldsOf<DropoutFields>(layer).noiseShape != null) {
    refuse("noiseShape is not supported; remove it");
  }
  if (layer.getClassName() === "BatchNormalization") {
    if (numCalls > 1) {
      refuse(`is applied ${numCalls} times, but has running statistics for one application; make one layer for each`);
    }
    const { axis } = fieldsOf<BatchNormFields>(layer);
    const shape = layer.outputShape as (number | null)[];
    if (axis !== -1 && axis !== shape.length - 1) refuse(`axis ${axis}: must be the last, -1`);
  }
}

/** Whether any parameter is not trainable. Only the statistics of batch norm are weights that are not parameters. */
function isFrozen(layer: Layer): boolean {
  const { movingMean, movingVariance } = fieldsOf<Partial<BatchNormFields>>(layer);
  const variables = variablesOf(layer);
  const parameters = variables.filter(({ variable }) => variable !== movingMean && variable !== movingVariance);
  return variables.length > 0 && (!layer.trainable || parameters.some(({ trainable }) => !trainable));
}
