// Draws the samples for training, validation and test (drawSplit): official or random parts, removal of duplicates, and
// the subset of each part. It is a pure function of the labels, the origins, the content hashes and the settings.
import { UserError } from "@lockstep/errors";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { type LabelTable, numStrata, strataOf } from "../labels/label-table.js";
import { drawParts, drawSubset } from "./stratified-draw.js";

export const partNames = ["train", "val", "test"] as const;
export type PartName = (typeof partNames)[number];

export interface SplitSettings {
  /** official: the published parts (FairFace's test part is empty). random: 70/15/15, drawn with the seed. */
  readonly split: "official" | "random";
  /** Share of each part that is used, in (0, 1]; drawn stratified by class. */
  readonly subset: number;
  readonly seed: number;
}

/** The input of a split. A Dataset is a SplitInput. */
export interface SplitInput {
  readonly labels: LabelTable;
  /** For each sample: 0 official train, 1 official val, 2 official test. */
  readonly origin: Uint8Array;
  contentSha256(sample: number): string;
}

/** Sample indexes of each part, ascending, i.e. in canonical order. */
export interface Split {
  readonly train: Uint32Array;
  readonly val: Uint32Array;
  readonly test: Uint32Array;
  /**
   * Samples that were left out because an earlier one has the same bytes. 0 in an official split, whose parts stay as
   * published.
   */
  readonly duplicatesRemoved: number;
  /**
   * Samples of val and test (after the subset) whose bytes are also in train (after the subset). Always 0 in a random
   * split.
   */
  readonly leaked: number;
}

/**
 * Returns the samples of the image cache of a training run, the same in every process: the training and validation
 * parts, ascending. The test part is held out. Its images are decoded only for an evaluation, into a separate cache.
 */
export function seenInTraining({ train, val }: Pick<Split, "train" | "val">): Uint32Array {
  return Uint32Array.from([...train, ...val]).sort();
}

export const randomSplitFractions = { train: 0.7, val: 0.15, test: 0.15 } as const;

/** @throws UserError if the subset is not in (0, 1] */
export function drawSplit(input: SplitInput, { split, subset, seed }: SplitSettings): Split {
  if (!(subset > 0 && subset <= 1)) {
    throw new UserError(`subset ${subset}: must be above 0 and at most 1 (--subset)`);
  }
  const parts = split === "official" ? officialParts(input) : randomParts(input, seed);
  const subsetOf = (part: PartName, index: number): Uint32Array =>
    drawSubset({
      samples: parts[part],
      fraction: subset,
      stratumOf: strataOf(input.labels),
      randomOf: (ofStratum) => new CounterRandom(seed, randomDomain.subset, index, ofStratum),
    });
  const used = { train: subsetOf("train", 0), val: subsetOf("val", 1), test: subsetOf("test", 2) };
  return { ...used, duplicatesRemoved: parts.duplicatesRemoved, leaked: countLeaked(input, used) };
}

type Parts = Pick<Split, PartName>;

function countLeaked(input: SplitInput, { train, val, test }: Parts): number {
  const trained = new Set(Array.from(train, (sample) => input.contentSha256(sample)));
  return [...val, ...test].filter((sample) => trained.has(input.contentSha256(sample))).length;
}

function officialParts(input: SplitInput): Omit<Split, "leaked"> {
  const [train, val, test]: [number[], number[], number[]] = [[], [], []];
  input.origin.forEach((part, sample) => {
    (part === 0 ? train : part === 1 ? val : test).push(sample);
  });
  return {
    train: Uint32Array.from(train),
    val: Uint32Array.from(val),
    test: Uint32Array.from(test),
    duplicatesRemoved: 0,
  };
}

function randomParts(input: SplitInput, seed: number): Omit<Split, "leaked"> {
  const kept = firstOfEachContent(input);
  const [train, val, test] = drawParts({
    samples: kept,
    fractions: [randomSplitFractions.train, randomSplitFractions.val, randomSplitFractions.test],
    stratumOf: strataOf(input.labels),
    randomOf: (stratum) => new CounterRandom(seed, randomDomain.split, stratum),
    orderRandom: new CounterRandom(seed, randomDomain.split, numStrata(input.labels.schema)),
  });
  if (!train || !val || !test) throw new Error("a draw of three parts gave fewer");
  return { train, val, test, duplicatesRemoved: input.labels.numSamples - kept.length };
}

/** Returns the samples without exact duplicates. Of samples with equal bytes, the first in canonical order is kept. */
function firstOfEachContent(input: SplitInput): Uint32Array {
  const seen = new Set<string>();
  const kept: number[] = [];
  for (let sample = 0; sample < input.labels.numSamples; sample++) {
    const content = input.contentSha256(sample);
    if (seen.has(content)) continue;
    seen.add(content);
    kept.push(sample);
  }
  return Uint32Array.from(kept);
}
