// Owns the run spec: everything that can change a bit of the trained weights, and nothing else. Workers, threads,
// paths, checkpoint cadence and --max-steps are launch options and do not stand here.
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
  /** Adam, AdamW: added to the root of the second moment. */
  epsilon: z.number().positive(),
  /** SGD. */
  momentum: z.number().gte(0).lt(1),
  /** AdamW: decoupled. SGD: L2. */
  weightDecay: z.number().gte(0),
  /** Global L2 norm that the gradient is clipped to; null: no clipping. */
  clipNorm: z.number().positive().nullable(),
});

export const scheduleSpec = z.strictObject({
  name: z.enum(["constant", "cosine"]),
  /** Steps over which the learning rate rises linearly from 0. */
  warmupSteps: z.number().int().gte(0),
  /** Cosine: the last step's learning rate as a fraction of the peak. */
  finalFraction: z.number().gte(0).lte(1),
});

/** How often an epoch holds each sample of the training part. */
export const samplingSpec = z.discriminatedUnion("kind", [
  /** By the class that each sample has in these labels: every joint class as often as any other. */
  z.strictObject({ kind: z.literal("balanced"), by: z.array(z.string()).min(1) }),
  /** By a file of weights; SHA-256 (hex) over those of the training part in canonical order, float64 little-endian. */
  z.strictObject({ kind: z.literal("weights"), sha256: z.string() }),
]);

/** When a run ends before its last epoch, as its validation loss no longer falls. */
export const earlyStopSpec = z.strictObject({
  /** Epochs in a row without an improvement after which the run ends. */
  patience: positiveInteger,
  /** A loss is an improvement when it is lower than the best so far by more than this. */
  minDelta: z.number().gte(0),
});

export const runSpec = z.strictObject({
  /** 2: the fingerprint covers the labels' schema, and the hash of the pixels leaves out the test part. */
  formatVersion: z.literal(2, { error: "is of another Lockstep; go on with the one that wrote it" }),
  dataset: z.strictObject({
    /** `synthetic`, or the name of the labels' schema; never the form that the images come in. */
    kind: z.string(),
    /** SHA-256 (hex) over the whole data set: image bytes and labels in canonical order. */
    fingerprint: z.string(),
    split: z.enum(["official", "random"]),
    /** Fraction of every part that is used, stratified. */
    subset: fraction,
    /** Samples of each part after split and subset. */
    samples: z.strictObject({
      train: positiveInteger,
      val: z.number().int().gte(0),
      test: z.number().int().gte(0),
    }),
  }),
  /** Absent: uniform, each sample once an epoch. */
  sampling: samplingSpec.optional(),
  /** Height and width of the decoded images, pixels. */
  imageSize: positiveInteger,
  recipe: z.strictObject({
    name: z.string(),
    /** Resolved options of the recipe, defaults filled in. */
    options: z.record(z.string(), z.json()),
    /** SHA-256 (hex) of the recipe's code; absent where it is built in. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
  optimizer: optimizerSpec,
  schedule: scheduleSpec,
  epochs: positiveInteger,
  /** Absent: the run goes through all its epochs. */
  earlyStop: earlyStopSpec.optional(),
  microBatch: positiveInteger,
  globalBatch: positiveInteger,
  seed: z.number().int().gte(0).lte(0xffff_ffff),
  /** SHA-256 (hex, as weightsSha256 has it) of the weights that the run starts from; absent: seeded ones. */
  initialWeightsSha256: z.string().optional(),
  precision: z.literal("f32"),
});

export type RunSpec = z.infer<typeof runSpec>;
export type OptimizerSpec = z.infer<typeof optimizerSpec>;
export type EarlyStopSpec = z.infer<typeof earlyStopSpec>;
export type ScheduleSpec = z.infer<typeof scheduleSpec>;

/**
 * JSON with the keys of every object sorted and no white space: equal values give equal text, different ones different
 * text. What JSON cannot say (NaN, infinities, undefined outside an object) throws.
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
  /** Dotted path, e.g. `optimizer.learningRate`. */
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The leaves in which two values differ, in the order of `before`'s keys. */
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
