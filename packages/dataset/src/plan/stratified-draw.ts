// Owns drawing a share of samples so that every stratum keeps its share: largest remainder for a subset, controlled
// rounding for a split into parts. Pure: counts, strata and counter-based randomness in, sample indexes out.
import { type CounterRandom, permutation } from "@lockstep/numerics";

/** The samples of each stratum, each stratum shuffled by its own draw, so that a stratum's order depends on it alone. */
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
      return { stratum, members: Array.from(order, (place) => members[place] as number) }; // a permutation stays in range
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
 * round(fraction * n) of the samples, at least 1 of a non-empty set, ascending. Each stratum's count is its exact share
 * rounded down or up: the seats left over go to the largest remainders, then to the larger stratum.
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
  /** Draws the order in which strata are rounded, so that no stratum always favours the same part. */
  readonly orderRandom: CounterRandom;
}

/**
 * Cuts the samples into parts: disjoint, covering, each ascending. In each stratum each part gets its exact share rounded
 * down or up; what rounding leaves over goes to the part that is furthest behind its total so far, so that many small
 * strata do not all round the same way.
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
    const neediest = fractions
      .map((fraction, part) => ({
        part,
        behind: behind(part),
        remainder: fraction * members.length - (counts[part] ?? 0),
      }))
      .filter(({ remainder }) => remainder > shareTolerance)
      .sort((a, b) => b.behind - a.behind || a.part - b.part)
      .slice(0, left);
    for (const { part } of neediest) counts[part] = (counts[part] ?? 0) + 1;
    let first = 0;
    for (const [part, count] of counts.entries()) {
      parts[part]?.push(...members.slice(first, first + count));
      first += count;
    }
  }
  return parts.map((part) => Uint32Array.from(part).sort());
}

/** 0.7 * 10 must count as 7, not as 6.999...: shares nearer than this to a whole number are that number. */
const shareTolerance = 1e-9;

function floorOfShare(share: number): number {
  return Math.floor(share + shareTolerance);
}
