// Draws samples so that every stratum keeps its share: a subset with the largest remainder method (drawSubset), a split
// into parts with controlled rounding (drawParts). Both are pure functions of the samples, the strata and counter-based
// random numbers.
import { type CounterRandom, permutation } from "@lockstep/numerics";

/**
 * Groups the samples by stratum and shuffles each stratum with its own random numbers, so that its order depends only
 * on itself.
 */
function shuffledStrata(
  samples: Uint32Array,
  stratumOf: (sample: number) => number,
  randomOf: (stratum: number) => CounterRandom,
): { stratum: number; members: number[] }[] {
  const membersOf = new Map<number, number[]>();
  for (const sample of samples) {
    const stratum = stratumOf(sample);
    const members = membersOf.get(stratum);
    if (members) members.push(sample);
    else membersOf.set(stratum, [sample]);
  }
  return [...membersOf]
    .sort(([a], [b]) => a - b)
    .map(([stratum, members]) => {
      const order = permutation(randomOf(stratum), members.length);
      // The cast is safe: a permutation only holds valid indexes.
      return { stratum, members: Array.from(order, (place) => members[place] as number) };
    });
}

export interface SubsetDraw {
  readonly samples: Uint32Array;
  /** Share to keep, in (0, 1]. */
  readonly fraction: number;
  readonly stratumOf: (sample: number) => number;
  readonly randomOf: (stratum: number) => CounterRandom;
}

/**
 * Returns round(fraction * n) of the n samples, but at least 1 if there are any, ascending. The count of each stratum
 * is its exact share rounded down or up: the seats that remain after rounding down go to the largest remainders; if
 * these are equal, to the larger stratum.
 */
export function drawSubset({ samples, fraction, stratumOf, randomOf }: SubsetDraw): Uint32Array {
  if (samples.length === 0 || fraction === 1) return Uint32Array.from(samples).sort();
  const target = Math.max(1, Math.round(fraction * samples.length));
  const strata = shuffledStrata(samples, stratumOf, randomOf).map(({ stratum, members }) => {
    const share = fraction * members.length;
    const count = floorOfShare(share);
    return { stratum, members, count, remainder: share - count };
  });
  let seatsLeft = target - strata.reduce((sum, { count }) => sum + count, 0);
  const byRemainder = [...strata].sort(
    (a, b) => b.remainder - a.remainder || b.members.length - a.members.length || a.stratum - b.stratum,
  );
  for (const stratum of byRemainder) {
    if (seatsLeft-- <= 0) break;
    stratum.count += 1;
  }
  return Uint32Array.from(strata.flatMap(({ members, count }) => members.slice(0, count))).sort();
}

export interface PartsDraw {
  readonly samples: Uint32Array;
  /** Share of each part; they sum to 1. */
  readonly fractions: readonly number[];
  readonly stratumOf: (sample: number) => number;
  readonly randomOf: (stratum: number) => CounterRandom;
  /** Draws the order in which strata are rounded, so that rounding does not depend on the order of the classes. */
  readonly orderRandom: CounterRandom;
}

/**
 * Splits the samples into disjoint parts that together hold all samples, each ascending. In each stratum, each part
 * gets its exact share rounded down or up. The samples that remain after rounding down go to the parts that are
 * furthest behind their total so far, so that many small strata are not all rounded in favour of the same part.
 */
export function drawParts({ samples, fractions, stratumOf, randomOf, orderRandom }: PartsDraw): Uint32Array[] {
  const strata = shuffledStrata(samples, stratumOf, randomOf);
  const parts = fractions.map((): number[] => []);
  let numSeen = 0;
  for (const place of permutation(orderRandom, strata.length)) {
    const members = strata[place]?.members ?? [];
    numSeen += members.length;
    const counts = fractions.map((fraction) => floorOfShare(fraction * members.length));
    const behind = (part: number): number =>
      (fractions[part] ?? 0) * numSeen - (parts[part]?.length ?? 0) - (counts[part] ?? 0);
    const left = members.length - counts.reduce((sum, count) => sum + count, 0);
    const furthestBehind = fractions
      .map((fraction, part) => ({
        part,
        behind: behind(part),
        remainder: fraction * members.length - (counts[part] ?? 0),
      }))
      .filter(({ remainder }) => remainder > shareTolerance)
      .sort((a, b) => b.behind - a.behind || a.part - b.part)
      .slice(0, left);
    for (const { part } of furthestBehind) counts[part] = (counts[part] ?? 0) + 1;
    let first = 0;
    for (const [part, count] of counts.entries()) {
      parts[part]?.push(...members.slice(first, first + count));
      first += count;
    }
  }
  return parts.map((part) => Uint32Array.from(part).sort());
}

/**
 * A share that is nearer than this to a whole number counts as that number: 0.7 * 10 must count as 7, not as 6.999...
 */
const shareTolerance = 1e-9;

function floorOfShare(share: number): number {
  return Math.floor(share + shareTolerance);
}
