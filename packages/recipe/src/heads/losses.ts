// Owns the losses of one sample and their slopes, in double precision: from a head's outputs and what the label says.
// Plain numbers, so they are the same on every backend, and a loss cannot take a mean over a micro-batch.
//
// K outputs of a head

/** The loss of one sample, and its gradient with respect to the head's outputs: one number each. */
export interface SampleScore {
  readonly loss: number;
  readonly gradient: ArrayLike<number>;
}

/** target: the class' index, or the number that the head should say. A pure function. */
export type SampleLoss = (outputs_K: Float32Array, target: number) => SampleScore;

export const lossNames = ["binaryCrossEntropy", "crossEntropy", "absoluteError", "squaredError"] as const;
export type LossName = (typeof lossNames)[number];

export const losses: Readonly<Record<LossName, SampleLoss>> = {
  /** One logit: that of class 1. */
  binaryCrossEntropy(outputs_K, target) {
    const logit = at(outputs_K, 0);
    const decay = Math.exp(-Math.abs(logit));
    const probability = logit >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
    return { loss: Math.max(logit, 0) - logit * target + Math.log1p(decay), gradient: [probability - target] };
  },
  /** A logit a class. */
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

/** The class that outputs mean: the greatest logit; of one logit, class 1 where it is above 0. */
export function predictedClass(outputs_K: ArrayLike<number>): number {
  return outputs_K.length === 1 ? Number(at(outputs_K, 0) > 0) : greatest(outputs_K);
}

/** Index of the greatest; of equals, the first. */
export function greatest(values_K: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values_K.length; k++) if (at(values_K, k) > at(values_K, best)) best = k;
  return best;
}

/** logSum: the logarithm of the sum of e to the logits. Neither overflows where logits are large. */
export function softmax(logits_K: ArrayLike<number>): { readonly probabilities_K: number[]; readonly logSum: number } {
  const peak = at(logits_K, greatest(logits_K));
  const powers_K = Array.from(logits_K, (logit) => Math.exp(logit - peak));
  const sum = powers_K.reduce((total, power) => total + power, 0);
  return { probabilities_K: powers_K.map((power) => power / sum), logSum: Math.log(sum) + peak };
}

/** @throws RangeError outside of the values */
export function at(values: ArrayLike<number>, index: number): number {
  const found = values[index];
  if (found === undefined) throw new RangeError(`index ${index} is outside of ${values.length} values`);
  return found;
}
