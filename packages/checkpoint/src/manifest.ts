// Owns `manifest.json`: what a checkpoint says of itself, and whether this Lockstep may go on from it.
import { UserError } from "@lockstep/errors";
import { differences, type RunSpec, runSpec, tensorEntry } from "@lockstep/protocol";
import { z } from "zod";
import { isSealed } from "./manifest-digest.js";

/** Raised when a reader of the former version would misunderstand. */
export const checkpointFormatVersion = 1;

const count = z.number().int().gte(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hex");

/** Any double: JSON has no NaN and no infinities, so these stand as strings. */
const storedNumber = z.union([
  z.number(),
  z.enum(["NaN", "Infinity", "-Infinity"]).transform((text): number => Number(text)),
]);

export const checkpointPosition = z.strictObject({
  /** Optimizer updates so far. */
  step: count,
  /** The epoch that the next step belongs to, from 0; equal to the spec's epochs at the end. */
  epoch: count,
  /** Steps of that epoch so far. */
  stepInEpoch: count,
  /** At stepInEpoch 0 and epoch > 0: whether the validation of the epoch just finished is done and recorded. */
  validationRecorded: z.boolean(),
});
export type CheckpointPosition = z.infer<typeof checkpointPosition>;

export const manifestSchema = z.strictObject({
  formatVersion: z.literal(checkpointFormatVersion),
  runSpec,
  runSpecSha256: sha256,
  /** The model's tensors, in the order of the flat layout. */
  tensors: z.array(tensorEntry),
  layoutSha256: sha256,
  position: checkpointPosition,
  /** Metric sums of the running epoch's training steps, in the recipe's order. */
  epochSums: z.array(storedNumber),
  /** Training samples of the running epoch so far. */
  epochSamples: count,
  /** Metrics of a validation pass over these very weights; null when there was none. */
  validation: z.record(z.string(), storedNumber).nullable(),
  /** What the coordinator computes with. */
  numerics: z.record(z.string(), z.json()),
  /** Of the decoded images that the workers showed; null before the first joined. */
  pixelsSha256: z.string().nullable(),
  coordinatorGeneration: count,
  /** Counters that carry on across a resume and change no bit: leasesRedone, microBatchesByWorker, ... */
  bookkeeping: z.record(z.string(), z.json()),
  weightsSha256: sha256,
  files: z.record(z.string(), z.strictObject({ sizeBytes: count, sha256 })),
  /** Of all the other fields: see manifest-digest.ts. */
  manifestSha256: sha256,
});
export type CheckpointManifest = z.infer<typeof manifestSchema>;

/** What chooses the best checkpoint; null when these weights were not validated. */
export function validationLossOf({ validation }: CheckpointManifest): number | null {
  const { loss = null } = validation ?? {};
  return loss;
}

/** The form in which a double stands in the manifest. */
export function storeNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/**
 * @param label what error messages call it, e.g. the checkpoint's path
 * @throws UserError when it is not a manifest, or of a newer format
 */
export function parseManifest(text: string, label: string): CheckpointManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${label}: manifest.json is not JSON`);
  }
  assertFormatKnown(value, label);
  if (typeof value !== "object" || value === null || !isSealed(value)) {
    throw new UserError(`${label}: manifest.json is damaged: it does not have the SHA-256 that it names`);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UserError(`${label}: manifest.json is broken: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  return parsed.data;
}

/** A checkpoint of a later Lockstep: not broken, so nothing may fall back behind it silently. */
export class NewerFormatError extends UserError {}

function assertFormatKnown(value: unknown, label: string): void {
  const version = z.object({ formatVersion: z.number() }).safeParse(value).data?.formatVersion;
  if (version !== undefined && version > checkpointFormatVersion) {
    throw new NewerFormatError(
      `${label}: has checkpoint format ${version}, this Lockstep reads ${checkpointFormatVersion}; use the newer Lockstep that wrote it`,
    );
  }
}

/** @throws UserError that names every field in which the run to be resumed differs from the checkpoint's */
export function checkSpec(manifest: CheckpointManifest, spec: RunSpec): void {
  const changed = differences(manifest.runSpec, spec);
  if (changed.length === 0) return;
  const list = changed.map(
    ({ field, before, after }) =>
      `${field} was ${JSON.stringify(before) ?? "absent"}, is ${JSON.stringify(after) ?? "absent"}`,
  );
  throw new UserError(`cannot resume with another run spec: ${list.join("; ")} (same values, or a new --out)`);
}
