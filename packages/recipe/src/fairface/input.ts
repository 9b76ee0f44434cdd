// Owns what a micro-batch's pixels become before they enter the network: the augmentation that each sample draws by
// (seed, epoch, position), and the normalisation. How pixels are moved is numerics' warpImages.
//
// B batch, S image side
import { CounterRandom, identityAffine, identityColour, randomDomain, warpImages } from "@lockstep/numerics";
import type { MicroBatch } from "../recipe.js";
import type { AugmentationOptions } from "./options.js";

/** ImageNet's, on values 0..1. */
const channelMean = [0.485, 0.456, 0.406] as const;
const channelStd = [0.229, 0.224, 0.225] as const;
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

const identityMaps: Maps = { affine: identityAffine, colour: identityColour };

/** Augmented (null: not) and normalised pixels: B x S x S x 3. */
export function networkInput(
  batch: MicroBatch,
  imageSize: number,
  augmentation: AugmentationOptions | null,
): Float32Array {
  const numSamples = batch.samples.length;
  const affine = new Float32Array(numSamples * 6);
  const colour = new Float32Array(numSamples * 12);
  for (let b = 0; b < numSamples; b++) {
    const maps =
      augmentation === null
        ? identityMaps
        : drawMaps(
            new CounterRandom(batch.key.seed, randomDomain.augmentation, batch.key.epoch, positionOf(batch, b)),
            augmentation,
            imageSize,
          );
    affine.set(maps.affine, b * 6);
    colour.set(maps.colour, b * 12);
  }
  const out = new Float32Array(numSamples * imageSize * imageSize * 3);
  warpImages({
    pixels: batch.pixels_BHWC,
    batch: numSamples,
    size: imageSize,
    outSize: imageSize,
    affine,
    colour,
    mean: channelMean,
    std: channelStd,
    out,
  });
  return out;
}

/** Flip, rotation and resized crop in one affine map; brightness, contrast and saturation, in that order, in one colour map. */
export function drawMaps(random: CounterRandom, options: AugmentationOptions, imageSize: number): Maps {
  return { affine: drawAffine(random, options, imageSize), colour: drawColour(random, options) };
}

function drawAffine(random: CounterRandom, options: AugmentationOptions, imageSize: number): number[] {
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

function drawColour(random: CounterRandom, options: AugmentationOptions): number[] {
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
function symmetric(random: CounterRandom, index: number): number {
  return 2 * random.uniform(index) - 1;
}

function positionOf({ positions }: MicroBatch, b: number): number {
  const position = positions[b];
  if (position === undefined)
    throw new RangeError(`micro-batch: sample ${b} has no position, there are ${positions.length}`);
  return position;
}
