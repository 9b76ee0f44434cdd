// Owns which layers of tfjs-layers can be trained in Lockstep, and what to use in place of the others. What is refused here
// would draw random numbers of its own, keep state between calls, or be left out of the loss without a word.
import { UserError } from "@lockstep/errors";
import { type BatchNormFields, type DropoutFields, fieldsOf, type Layer, variablesOf } from "./layer-internals.js";

const refused: Readonly<Record<string, string>> = {
  GaussianNoise: "draws random numbers that no seed repeats; use Dropout, or augmentation",
  GaussianDropout: "draws random numbers that no seed repeats; use Dropout",
  AlphaDropout: "draws random numbers that no seed repeats; use Dropout",
  SpatialDropout1D: "draws random numbers that no seed repeats; use Dropout",
  RandomWidth: "draws random numbers that no seed repeats; use the recipe's augmentation",
  RNN: "keeps state between calls; recurrent layers are not supported",
  SimpleRNN: "keeps state between calls; recurrent layers are not supported",
  GRU: "keeps state between calls; recurrent layers are not supported",
  LSTM: "keeps state between calls; recurrent layers are not supported",
  ConvLSTM2D: "keeps state between calls; recurrent layers are not supported",
  Bidirectional: "wraps a recurrent layer; recurrent layers are not supported",
  TimeDistributed: "wraps a layer by time; use the layer itself",
};

/**
 * @param numCalls of the layer, in one run of its model
 * @throws UserError that names the layer and the remedy
 */
export function checkLayer(layer: Layer, numCalls: number): void {
  const complain = (what: string): never => {
    throw new UserError(`layer ${layer.name} (${layer.getClassName()}): ${what}`);
  };
  const reason = refused[layer.getClassName()];
  if (reason !== undefined) complain(reason);
  if (isFrozen(layer)) complain("is frozen (trainable: false); Lockstep trains every parameter, leave it trainable");
  const penalty = Object.entries(layer).find(([field, value]) => field.endsWith("Regularizer") && value != null);
  if (penalty) complain(`${penalty[0]} would not be in the loss; use --optimizer adamw --weight-decay`);
  const constraint = Object.entries(layer).find(([field, value]) => field.endsWith("Constraint") && value != null);
  if (constraint) complain(`${constraint[0]} would not be applied; leave it away`);
  if (layer.getClassName() === "Dropout" && fieldsOf<DropoutFields>(layer).noiseShape != null) {
    complain("noiseShape is not supported; leave it away");
  }
  if (layer.getClassName() === "BatchNormalization") {
    if (numCalls > 1) {
      complain(`is applied ${numCalls} times, its running statistics would be of one alone; make a layer for each`);
    }
    const { axis } = fieldsOf<BatchNormFields>(layer);
    const shape = layer.outputShape as (number | null)[];
    if (axis !== -1 && axis !== shape.length - 1) complain(`axis ${axis}: must be the last, -1`);
  }
}

/** The statistics of batch norm are the only weights that are not parameters. */
function isFrozen(layer: Layer): boolean {
  const { movingMean, movingVariance } = fieldsOf<Partial<BatchNormFields>>(layer);
  const variables = variablesOf(layer);
  const parameters = variables.filter(({ variable }) => variable !== movingMean && variable !== movingVariance);
  return variables.length > 0 && (!layer.trainable || parameters.some(({ trainable }) => !trainable));
}
