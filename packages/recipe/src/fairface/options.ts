// Owns the options of the FairFace recipe: their defaults, limits and error messages. Resolved, they are part of the run spec.
import { UserError } from "@lockstep/errors";
import { z } from "zod";

const fraction = z.number().gte(0).lte(1);
const positiveInteger = z.number().int().positive();
/** A factor is drawn from [1 - value, 1 + value]. */
const jitter = z.number().gte(0).lt(1);

const augmentationOptions = z.strictObject({
  /** Probability of a horizontal flip. */
  flip: fraction.default(0.5),
  /** An angle is drawn from [-value, value]. */
  rotationDegrees: z.number().gte(0).lte(180).default(10),
  /** Least and greatest share of the image's area that a crop keeps; it is square and resized to the full size. */
  cropArea: z
    .tuple([z.number().gt(0).lte(1), z.number().gt(0).lte(1)])
    .refine(([least, greatest]) => least <= greatest, "the first must not be greater than the second")
    .default([0.8, 1]),
  brightness: jitter.default(0.2),
  contrast: jitter.default(0.2),
  /** Off by default: the source document jitters brightness and contrast alone. */
  saturation: jitter.default(0),
});

const taskWeight = z.number().gte(0);

const fairfaceOptions = z.strictObject({
  /** Channels of each block; a block halves height and width. */
  widths: z.array(positiveInteger).min(1).max(10).default([32, 64, 128, 256]),
  denseUnits: positiveInteger.default(512),
  /** Share of the dense layer's units that a training pass drops. */
  dropout: z.number().gte(0).lt(1).default(0.5),
  /** Factors of the three losses in their sum. */
  taskWeights: z
    .strictObject({ gender: taskWeight.default(1), race: taskWeight.default(1), age: taskWeight.default(1) })
    .refine(({ gender, race, age }) => gender + race + age > 0, "one of them must be above 0")
    .prefault({}),
  /** null: none. */
  augmentation: augmentationOptions.nullable().prefault({}),
});

export type FairfaceOptions = z.output<typeof fairfaceOptions>;
export type AugmentationOptions = z.output<typeof augmentationOptions>;

/** Fills in the defaults; UserError names the field, its value and its limits. */
export function resolveFairfaceOptions(options: Readonly<Record<string, unknown>>): FairfaceOptions {
  const result = fairfaceOptions.safeParse(options);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const field = issue.path.join(".");
    return `${field || "options"} ${JSON.stringify(valueAt(options, issue.path)) ?? ""}: ${issue.message}`;
  });
  throw new UserError(`fairface recipe: ${problems.join("; ")}`);
}

/** The blocks halve the image, so that its side must be a multiple of 2^blocks. */
export function checkImageSize(imageSize: number, { widths }: FairfaceOptions): void {
  const unit = 2 ** widths.length;
  if (Number.isInteger(imageSize) && imageSize > 0 && imageSize % unit === 0) return;
  const below = Math.floor(imageSize / unit) * unit;
  const nearest = below > 0 ? `${below} or ${below + unit}` : `${unit}`;
  throw new UserError(
    `image size ${imageSize}: must be a multiple of ${unit}, as ${widths.length} blocks halve it (--image-size ${nearest})`,
  );
}

function valueAt(options: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], options);
}
