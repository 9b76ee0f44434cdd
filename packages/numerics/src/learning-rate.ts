// Computes the learning rate of each step with `learningRateAt`: linear warm-up, then constant or cosine. It uses only additions,
// multiplications and divisions of doubles, so that every JavaScript engine gives the same bits. Math.cos does not.

/** The run spec's schedule section. */
export interface ScheduleSettings {
  readonly name: "constant" | "cosine";
  /** Number of steps in which the rate rises linearly from 0. Step warmupSteps - 1 is the first with the peak. */
  readonly warmupSteps: number;
  /** Cosine only: the last step's rate as a fraction of the peak. */
  readonly finalFraction: number;
}

/**
 * The learning rate of one step.
 * @param step from 0 to totalSteps - 1
 * @param peak the highest rate
 */
export function learningRateAt(schedule: ScheduleSettings, step: number, totalSteps: number, peak: number): number {
  const { name, warmupSteps, finalFraction } = schedule;
  if (step + 1 < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  switch (name) {
    case "constant":
      return peak;
    case "cosine": {
      // Step peakStep has the peak, step totalSteps - 1 the final fraction.
      const peakStep = Math.max(warmupSteps, 1) - 1;
      const steps = totalSteps - 1 - peakStep;
      const progress = steps > 0 ? Math.min((step - peakStep) / steps, 1) : 0;
      const height = (1 + cosineOfHalfTurns(progress)) / 2;
      return peak * (finalFraction + (1 - finalFraction) * height);
    }
    default:
      throw new Error(`schedule ${String(name satisfies never)} is unknown`);
  }
}

/** cos(pi * x) for x in 0..1, with an error of at most 4e-16; exact at 0, 1/2 and 1. */
export function cosineOfHalfTurns(x: number): number {
  if (x > 0.5) return -cosineOfHalfTurns(1 - x);
  // Up to pi/4 the series of the cosine, above it the series of the sine of the complement: both converge fast there.
  const angle = Math.PI * (x > 0.25 ? 0.5 - x : x);
  const square = angle * angle;
  return x > 0.25 ? angle * series(square, 3) : series(square, 2);
}

/** 1 - s/(n(n-1)) (1 - s/((n+2)(n+1)) (1 - ...)): n = 2 gives cos(sqrt(s)), n = 3 gives sin(sqrt(s)) / sqrt(s). */
function series(square: number, n: number): number {
  let sum = 1;
  for (let k = n + 16; k >= n; k -= 2) sum = 1 - (square / (k * (k - 1))) * sum;
  return sum;
}
