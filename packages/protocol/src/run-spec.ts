// Defines the run spec (`RunSpec`): everything that can change a bit of the trained weights, and nothing else. The numbers of
// workers and threads, paths, the interval of checkpoints and --max-steps are launch options, and are not in it.
import { createHash } from "node:crypto";
import { z } from "zod";

const positiveInteger = z.number().int().positive();
const fraction = z.number().gt(0).lte(1);

export const optimizerSpec = z.strictObject({
  name: z.enum(["adam", "adamw", "sgd"]),
  learningRate: z.number().positive(),
  /** Adam, AdamW. */
  beta1: z.number().gte(0).lt(1),
  /** Adam, AdamW. */
  beta2: z.number().gte(0).lt(1),
  /** Adam, AdamW: added to the square root of the second moment. */
  epsilon: z.number().positive(),
  /** SGD. */
  momentum: z.number().gte(0).lt(1),
  /** AdamW: decoupled. SGD: L2. */
  weightDecay: z.number().gte(0),
  /** The largest L2 norm of the whole gradient; a longer one is scaled down to it. Null: no clipping. */
  clipNorm: z.number().positive().nullable(),
});

export const scheduleSpec = z.strictObject({
  name: z.enum(["constant", "cosine"]),
  /** Steps over which the learning rate rises linearly from 0. */
  warmupSteps: z.number().int().gte(0),
  /** Cosine: the last step's learning rate as a fraction of the peak. */
  finalFraction: z.number().gte(0).lte(1),
});

/** How often each sample of the training part occurs in an epoch. */
export const samplingSpec = z.discriminatedUnion("kind", [
  /** Every combination of these labels' classes occurs equally often. */
  z.strictObject({ kind: z.literal("balanced"), by: z.array(z.string()).min(1) }),
  /** By a file of weights. sha256: hex, over the training part's weights in canonical order, as little-endian float64. */
  z.strictObject({ kind: z.literal("weights"), sha256: z.string() }),
]);

/** The rule by which a run ends before its last epoch, because its validation loss no longer falls. */
export const earlyStopSpec = z.strictObject({
  /** The run ends after this many consecutive epochs without an improvement. */
  patience: positiveInteger,
  /** A loss is an improvement when it is lower than the best one so far by more than this. */
  minDelta: z.number().gte(0),
});

export const runSpec = z.strictObject({
  /** 2: the fingerprint covers the labels' schema, and the hash of the pixels leaves out the test part. */
  formatVersion: z.literal(2, { error: "is of another Lockstep version; use the version that wrote it" }),
  dataset: z.strictObject({
    /** `synthetic`, or the name of the labels' schema. The form of the images (folder, Parquet, ...) is not in the spec. */
    kind: z.string(),
    /** SHA-256 (hex) of the whole data set: image bytes and labels in canonical order. */
    fingerprint: z.string(),
    split: z.enum(["official", "random"]),
    /** Fraction of each part that is used, drawn stratified. */
    subset: fraction,
    /** Number of samples of each part after split and subset. */
    samples: z.strictObject({
      train: positiveInteger,
      val: z.number().int().gte(0),
      test: z.number().int().gte(0),
    }),
  }),
  /** Absent: each sample occurs once in an epoch. */
  sampling: samplingSpec.optional(),
  /** Height and width of the decoded images, pixels. */
  imageSize: positiveInteger,
  recipe: z.strictObject({
    name: z.string(),
    /** All options of the recipe, with the defaults of those that were not given. */
    options: z.record(z.string(), z.json()),
    /** SHA-256 (hex) of the recipe's code; absent for a built-in recipe. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
  optimizer: optimizerSpec,
  schedule: scheduleSpec,
  epochs: positiveInteger,
  /** Absent: the run has all its epochs. */
  earlyStop: earlyStopSpec.optional(),
  microBatch: positiveInteger,
  globalBatch: positiveInteger,
  seed: z.number().int().gte(0).lte(0xffff_ffff),
  /** weightsSha256 of the weights with which the run starts; absent when they are drawn from the seed. */
  initialWeightsSha256: z.string().optional(),
  precision: z.literal("f32"),
});

export type RunSpec = z.infer<typeof runSpec>;
export type OptimizerSpec = z.infer<typeof optimizerSpec>;
export type EarlyStopSpec = z.infer<typeof earlyStopSpec>;
export type ScheduleSpec = z.infer<typeof scheduleSpec>;

/**
 * JSON without white space in which the keys of every object are sorted. Equal values give equal texts, different values give
 * different texts. Fields that are undefined are left out.
 * @throws Error if JSON cannot represent a value: NaN, an infinity, undefined outside of an object
 */
export function canonicalJson(value: unknown): string {
  if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) {
    throw new Error(`canonical JSON: ${value} has no JSON form`);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
    return `{${entries.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** SHA-256 (hex) of the value's canonical JSON. */
export function canonicalSha256(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

export interface SpecDifference {
  /** The path with dots, for example `optimizer.learningRate`. */
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The fields in which two values differ, in the order of `before`'s keys. Arrays are compared as a whole. */
export function differences(before: unknown, after: unknown, path = ""): SpecDifference[] {
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key], after[key], path ? `${path}.${key}` : key));
  }
  return canonicalJson(before ?? null) === canonicalJson(after ?? null) ? [] : [{ field: path, before, after }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
