// drawMaps: draws the affine map and the colour map of a sample's augmentation. augmentationOptions are its settings;
// warpImages of @lockstep/numerics applies the maps to the pixels.
import { type CounterRandom, identityAffine, identityColour } from "@lockstep/numerics";
import { z } from "zod";

const fraction = z.number().gte(0).lte(1);
/** A factor is drawn from [1 - value, 1 + value]. */
const jitter = z.number().gte(0).lt(1);

export const augmentationOptions = z.strictObject({
  /** Probability of a horizontal flip. */
  flip: fraction.default(0.5),
  /** An angle is drawn from [-value, value]. */
  rotationDegrees: z.number().gte(0).lte(180).default(10),
  /**
   * Least and greatest share of the image's area that a crop keeps. The crop is square, and resized to the full size.
   */
  cropArea: z
    .tuple([z.number().gt(0).lte(1), z.number().gt(0).lte(1)])
    .refine(([least, greatest]) => least <= greatest, "the first must not be greater than the second")
    .default([0.8, 1]),
  brightness: jitter.default(0.2),
  contrast: jitter.default(0.2),
  /** Off by default, because the source document changes only brightness and contrast. */
  saturation: jitter.default(0),
});

export type AugmentationOptions = z.output<typeof augmentationOptions>;
/** The options as a recipe gives them: a field that is absent has its default. */
export type AugmentationSettings = z.input<typeof augmentationOptions>;

/** Rec. 601 luma: the grey of a pixel that has no saturation. */
const luma = [0.299, 0.587, 0.114] as const;
/** The grey of an image without contrast. It is not the image's mean, so that drawing the maps reads no pixel. */
const midGrey = 127.5;

/** The index of each of a sample's random numbers. To change an index changes the bits. */
const draw = { flip: 0, angle: 1, area: 2, column: 3, row: 4, brightness: 5, contrast: 6, saturation: 7 } as const;

export interface Maps {
  /** Maps an output pixel to a source pixel: 6 numbers, see WarpImages.affine. */
  readonly affine: readonly number[];
  /** 12 numbers, see WarpImages.colour. */
  readonly colour: readonly number[];
}

export const identityMaps: Maps = { affine: identityAffine, colour: identityColour };

/**
 * Draws the maps of one sample from the sample's own random numbers; a pure function. An absent map is the identity.
 */
export type DrawMaps = (random: Pick<CounterRandom, "uniform">, imageSize: number) => Partial<Maps>;

/**
 * The affine map combines flip, rotation and resized crop; the colour map combines brightness, contrast and saturation,
 * in that order.
 */
export function drawMaps(
  random: Pick<CounterRandom, "uniform">,
  options: AugmentationOptions,
  imageSize: number,
): Maps {
  return { affine: drawAffine(random, options, imageSize), colour: drawColour(random, options) };
}

function drawAffine(random: Pick<CounterRandom, "uniform">, options: AugmentationOptions, imageSize: number): number[] {
  const mirror = random.uniform(draw.flip) < options.flip ? -1 : 1;
  const angle = (symmetric(random, draw.angle) * options.rotationDegrees * Math.PI) / 180;
  const [least, greatest] = options.cropArea;
  const side = Math.sqrt(least + (greatest - least) * random.uniform(draw.area));
  const slack = ((1 - side) * imageSize) / 2;
  const [column, row] = [symmetric(random, draw.column) * slack, symmetric(random, draw.row) * slack];
  // All about the centre: mirror the output, shrink it to the crop, move it to the crop's position, rotate it.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [a, b] = [cos * side * mirror, -sin * side];
  const [d, e] = [sin * side * mirror, cos * side];
  const centre = (imageSize - 1) / 2;
  const c = centre + cos * column - sin * row - (a + b) * centre;
  const f = centre + sin * column + cos * row - (d + e) * centre;
  return [a, b, c, d, e, f];
}

function drawColour(random: Pick<CounterRandom, "uniform">, options: AugmentationOptions): number[] {
  const brightness = 1 + symmetric(random, draw.brightness) * options.brightness;
  const contrast = 1 + symmetric(random, draw.contrast) * options.contrast;
  const saturation = 1 + symmetric(random, draw.saturation) * options.saturation;
  const gain = brightness * contrast;
  const matrix = luma.flatMap((_, row) =>
    luma.map((share, column) => gain * ((1 - saturation) * share + (row === column ? saturation : 0))),
  );
  // A change of saturation does not change greys, so contrast's offset is not multiplied by the saturation.
  const offset = (1 - contrast) * midGrey;
  return [...matrix, offset, offset, offset];
}

/** A uniform random number in [-1, 1). */
function symmetric(random: Pick<CounterRandom, "uniform">, index: number): number {
  return 2 * random.uniform(index) - 1;
}
