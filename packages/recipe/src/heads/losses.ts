// losses: the built-in losses of one sample with their gradients, in double precision, from a head's outputs and its
// target. They compute with JavaScript numbers, so that they are the same on every backend, and for one sample at a
// time, so that a loss cannot be a mean over a micro-batch.
//
// K outputs of a head

/** The loss of one sample, and its gradient with respect to the head's outputs: one number for each output. */
export interface SampleScore {
  readonly loss: number;
  readonly gradient: ArrayLike<number>;
}

/**
 * A pure function of one sample's outputs and its target.
 * @param target the index of the class, or the number that the head should predict
 */
export type SampleLoss = (outputs_K: Float32Array, target: number) => SampleScore;

export const lossNames = ["binaryCrossEntropy", "crossEntropy", "absoluteError", "squaredError"] as const;
export type LossName = (typeof lossNames)[number];

export const losses: Readonly<Record<LossName, SampleLoss>> = {
  /** For one logit, that of class 1. */
  binaryCrossEntropy(outputs_K, target) {
    const logit = at(outputs_K, 0);
    const decay = Math.exp(-Math.abs(logit));
    const probability = logit >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
    return { loss: Math.max(logit, 0) - logit * target + Math.log1p(decay), gradient: [probability - target] };
  },
  /** For one logit of each class. */
  crossEntropy(logits_K, target) {
    const { probabilities_K, logSum } = softmax(logits_K);
    return {
      loss: logSum - at(logits_K, target),
      gradient: probabilities_K.map((probability, k) => probability - Number(k === target)),
    };
  },
  absoluteError(outputs_K, target) {
    const error = at(outputs_K, 0) - target;
    return { loss: Math.abs(error), gradient: [Math.sign(error)] };
  },
  squaredError(outputs_K, target) {
    const error = at(outputs_K, 0) - target;
    return { loss: error ** 2, gradient: [2 * error] };
  },
};

/** The class with the greatest logit. If there is only one logit: class 1 if it is above 0, else class 0. */
export function predictedClass(outputs_K: ArrayLike<number>): number {
  return outputs_K.length === 1 ? Number(at(outputs_K, 0) > 0) : greatest(outputs_K);
}

/** Index of the greatest value; the first one among equals. */
export function greatest(values_K: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values_K.length; k++) if (at(values_K, k) > at(values_K, best)) best = k;
  return best;
}

/** The probabilities, and logSum = log(sum(exp(logits))). Neither overflows for large logits. */
export function softmax(logits_K: ArrayLike<number>): { readonly probabilities_K: number[]; readonly logSum: number } {
  const peak = at(logits_K, greatest(logits_K));
  const powers_K = Array.from(logits_K, (logit) => Math.exp(logit - peak));
  const sum = powers_K.reduce((total, power) => total + power, 0);
  return { probabilities_K: powers_K.map((power) => power / sum), logSum: Math.log(sum) + peak };
}

/** @throws RangeError if the index is outside the values */
export function at(values: ArrayLike<number>, index: number): number {
  const found = values[index];
  if (found === undefined) throw new RangeError(`index ${index} is outside of ${values.length} values`);
  return found;
}
