// Defines `manifest.json`, the description of a checkpoint (`CheckpointManifest`), reads it with `parseManifest`, and checks with
// `checkSpec` whether a run may resume from it.
import { UserError } from "@lockstep/errors";
import { differences, type RunSpec, runSpec, tensorEntry } from "@lockstep/protocol";
import { z } from "zod";
import { hasValidDigest } from "./manifest-digest.js";

/** It is raised when a reader of the previous version would misunderstand the files. */
export const checkpointFormatVersion = 1;

const count = z.number().int().gte(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hex");

/** Any double. NaN and the infinities are stored as strings, because JSON has no numbers for them. */
const storedNumber = z.union([
  z.number(),
  z.enum(["NaN", "Infinity", "-Infinity"]).transform((text): number => Number(text)),
]);

export const checkpointPosition = z.strictObject({
  /** Number of optimizer updates so far. */
  step: count,
  /** The epoch of the next step, from 0; equal to the spec's `epochs` at the end of the run. */
  epoch: count,
  /** Number of steps of this epoch so far. */
  stepInEpoch: count,
  /** At stepInEpoch 0 and epoch > 0: whether the validation of the epoch before is done and recorded. */
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
  /** Metrics of a validation pass with exactly these weights; null when there was none. */
  validation: z.record(z.string(), storedNumber).nullable(),
  /** The coordinator's numerics: backend, library versions and so on. */
  numerics: z.record(z.string(), z.json()),
  /** SHA-256 of the decoded images, as the workers sent it when they joined; null before the first worker joined. */
  pixelsSha256: z.string().nullable(),
  coordinatorGeneration: count,
  /** Counters that continue after a resume and do not influence the weights: leasesRedone, microBatchesByWorker, ... */
  bookkeeping: z.record(z.string(), z.json()),
  weightsSha256: sha256,
  files: z.record(z.string(), z.strictObject({ sizeBytes: count, sha256 })),
  /** Digest of all other fields, see manifest-digest.ts. */
  manifestSha256: sha256,
});
export type CheckpointManifest = z.infer<typeof manifestSchema>;

/** The loss by which the best checkpoint is chosen; null when these weights were not validated. */
export function validationLossOf({ validation }: CheckpointManifest): number | null {
  const { loss = null } = validation ?? {};
  return loss;
}

/** The form in which the manifest stores a double. */
export function storeNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/**
 * Parses and checks the text of a manifest.
 * @param label how error messages name it, for example the checkpoint's path
 * @throws UserError if the text is not a manifest, is damaged, or is of a newer format
 */
export function parseManifest(text: string, label: string): CheckpointManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${label}: manifest.json is not JSON`);
  }
  assertFormatKnown(value, label);
  if (typeof value !== "object" || value === null || !hasValidDigest(value)) {
    throw new UserError(`${label}: manifest.json is damaged: its SHA-256 is not the one that it records`);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UserError(`${label}: manifest.json is broken: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  return parsed.data;
}

/** A newer Lockstep wrote the checkpoint. It is not broken, so an older one must not be used in its place silently. */
export class NewerFormatError extends UserError {}

function assertFormatKnown(value: unknown, label: string): void {
  const version = z.object({ formatVersion: z.number() }).safeParse(value).data?.formatVersion;
  if (version !== undefined && version > checkpointFormatVersion) {
    throw new NewerFormatError(
      `${label}: has checkpoint format ${version}, this Lockstep reads format ${checkpointFormatVersion}; use the newer Lockstep that wrote it`,
    );
  }
}

/** @throws UserError if the run's spec differs from the checkpoint's; it names every field that differs */
export function checkSpec(manifest: CheckpointManifest, spec: RunSpec): void {
  const changed = differences(manifest.runSpec, spec);
  if (changed.length === 0) return;
  const list = changed.map(
    ({ field, before, after }) =>
      `${field} was ${JSON.stringify(before) ?? "absent"}, is ${JSON.stringify(after) ?? "absent"}`,
  );
  throw new UserError(`cannot resume with another run spec: ${list.join("; ")}; use the same values, or a new --out`);
}
