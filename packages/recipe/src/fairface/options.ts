// resolveFairfaceOptions: checks the options of the FairFace recipe and fills in their defaults. Resolved options are
// part of the run spec.
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import { problemsOf } from "../define/problems.js";
import { augmentationOptions } from "../input/augmentation.js";

const positiveInteger = z.number().int().positive();

const taskWeight = z.number().gte(0);

const fairfaceOptions = z.strictObject({
  /** Number of channels of each block. A block halves height and width. */
  widths: z.array(positiveInteger).min(1).max(10).default([32, 64, 128, 256]),
  denseUnits: positiveInteger.default(512),
  /** Share of the dense layer's units that a training pass drops. */
  dropout: z.number().gte(0).lt(1).default(0.5),
  /** Factors of the three losses in the total loss. */
  taskWeights: z
    .strictObject({ gender: taskWeight.default(1), race: taskWeight.default(1), age: taskWeight.default(1) })
    .refine(({ gender, race, age }) => gender + race + age > 0, "one of them must be above 0")
    .prefault({}),
  /** Class weights of the race loss. Use "none" with sampling that balances races, which has the same purpose. */
  classWeights: z.enum(["inverse-frequency", "none"]).default("inverse-frequency"),
  /** null turns augmentation off. */
  augmentation: augmentationOptions.nullable().prefault({}),
});

export type FairfaceOptions = z.output<typeof fairfaceOptions>;

/** Fills in the defaults. @throws UserError that names each wrong field, its value and its limits */
export function resolveFairfaceOptions(options: Readonly<Record<string, unknown>>): FairfaceOptions {
  const result = fairfaceOptions.safeParse(options);
  if (result.success) return result.data;
  throw new UserError(`fairface recipe: ${problemsOf(result.error, options, "options")}`);
}

/**
 * Checks that the image's side is a multiple of 2^blocks, because each block halves it.
 * @throws UserError with the nearest sizes that fit
 */
export function checkImageSize(imageSize: number, { widths }: FairfaceOptions): void {
  const unit = 2 ** widths.length;
  if (Number.isInteger(imageSize) && imageSize > 0 && imageSize % unit === 0) return;
  const below = Math.floor(imageSize / unit) * unit;
  const nearest = below > 0 ? `${below} or ${below + unit}` : `${unit}`;
  throw new UserError(
    `image size ${imageSize}: must be a multiple of ${unit}, because ${widths.length} blocks halve it (--image-size ${nearest})`,
  );
}
