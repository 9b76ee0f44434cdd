// Owns augmentation: its settings, and the affine and colour maps that a sample draws. How pixels are moved by them is
// numerics' warpImages.
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

export type AugmentationOptions = z.output<typeof augmentationOptions>;
/** As a recipe gives them: what is left away has its default. */
export type AugmentationSettings = z.input<typeof augmentationOptions>;

/** Rec. 601: what saturation fades to. */
const luma = [0.299, 0.587, 0.114] as const;
/** What contrast fades to. The mid-grey, not the image's mean: so the maps are drawn without reading a pixel. */
const midGrey = 127.5;

/** The draws of one sample, by index; the numbers are part of the bits. */
const draw = { flip: 0, angle: 1, area: 2, column: 3, row: 4, brightness: 5, contrast: 6, saturation: 7 } as const;

export interface Maps {
  /** Output pixel to source pixel: see WarpImages.affine. */
  readonly affine: readonly number[];
  /** See WarpImages.colour. */
  readonly colour: readonly number[];
}

export const identityMaps: Maps = { affine: identityAffine, colour: identityColour };

/** The maps of one sample, from its own random numbers. A pure function of them. */
export type DrawMaps = (random: Pick<CounterRandom, "uniform">, imageSize: number) => Partial<Maps>;

/** Flip, rotation and resized crop in one affine map; brightness, contrast and saturation, in that order, in one colour map. */
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
  // Around the centre: mirror the output, shrink it to the crop, move it to the crop's place, rotate.
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
  // Saturation keeps a grey as it is: contrast's offset passes through.
  const offset = (1 - contrast) * midGrey;
  return [...matrix, offset, offset, offset];
}

/** [-1, 1) */
function symmetric(random: Pick<CounterRandom, "uniform">, index: number): number {
  return 2 * random.uniform(index) - 1;
}
