// networkInput: augments and normalises the pixels of a micro-batch. A sample's augmentation is drawn by (seed, epoch,
// position), so that it does not depend on the micro-batch or the worker.
//
// B batch, S image side
import { CounterRandom, randomDomain, warpImages } from "@lockstep/numerics";
import type { MicroBatch } from "../recipe.js";
import { type DrawMaps, identityMaps } from "./augmentation.js";

/** Mean and standard deviation of each channel, for values 0 to 1. */
export interface Normalisation {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

export const imagenetNormalisation: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export interface InputOptions {
  readonly imageSize: number;
  readonly normalisation: Normalisation;
  /** null to leave the images as they are. */
  readonly drawMaps: DrawMaps | null;
}

/** Returns augmented and normalised pixels: B x S x S x 3. */
export function networkInput(batch: MicroBatch, { imageSize, normalisation, drawMaps }: InputOptions): Float32Array {
  const numSamples = batch.samples.length;
  const affine = new Float32Array(numSamples * 6);
  const colour = new Float32Array(numSamples * 12);
  for (let b = 0; b < numSamples; b++) {
    const maps =
      drawMaps === null
        ? identityMaps
        : {
            ...identityMaps,
            ...drawMaps(
              new CounterRandom(batch.key.seed, randomDomain.augmentation, batch.key.epoch, positionOf(batch, b)),
              imageSize,
            ),
          };
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
    ...normalisation,
    out,
  });
  return out;
}

function positionOf({ positions }: MicroBatch, b: number): number {
  const position = positions[b];
  if (position === undefined)
    throw new RangeError(`micro-batch: sample ${b} has no position, there are ${positions.length}`);
  return position;
}
