// Draws the images of the embedded data set (drawSyntheticImage): abstract pictures in which each label has its own
// signal.
//   gender  direction of the stripes: vertical for 0, horizontal for 1
//   race    colour of the tile in the middle: one of seven, with jitter so that neighbouring colours overlap
//   age     area of the pale plate behind the tile: its side grows with each bin, with jitter
// The rest is noise: a tinted background, a gradient of light, small tiles of any colour, grain. Flips, rotations by 10
// degrees, crops and changes of light do not remove the signals. The images do not show people.
//
// The arithmetic is +, -, *, /, floor and abs on doubles, because every engine rounds these in the same way. It uses no
// sine and no power: stripes are triangle waves and directions are slopes.
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import type { FairfaceLabels } from "./synthetic-labels.js";

export interface SyntheticImage {
  readonly seed: number;
  readonly index: number;
  readonly labels: FairfaceLabels;
  /** Pixels per side. */
  readonly imageSize: number;
}

/** RGB of the tile, indexed by race. */
const palette: readonly (readonly [number, number, number])[] = [
  [214, 62, 58],
  [222, 152, 42],
  [168, 204, 52],
  [52, 176, 92],
  [48, 182, 202],
  [72, 90, 214],
  [184, 70, 196],
];

const numDistractors = 5;
/** Random numbers 0..63 determine the shapes and colours; the numbers from 64 on determine the grain. */
const firstGrainDraw = 64;

/** A square or diamond filled with a colour. All lengths are fractions of the image's side. */
interface Patch {
  readonly diamond: boolean;
  readonly x: number;
  readonly y: number;
  readonly halfSide: number;
  /** RGB, 0..255. */
  readonly colour: readonly [number, number, number];
  /** 0..1; 1 hides the background completely. */
  readonly opacity: number;
}

/** Writes imageSize x imageSize x 3 bytes, RGB, row-major, to `into`, starting at `offset`. */
export function drawSyntheticImage(image: SyntheticImage, into: Uint8Array, offset: number): void {
  const { imageSize } = image;
  const random = new CounterRandom(image.seed, randomDomain.synthetic, image.index);
  const { background, light, grating, grain, patches } = composition(image, random);
  let place = offset;
  let grainWord = 0;
  for (let row = 0; row < imageSize; row++) {
    const y = (row + 0.5) / imageSize;
    for (let column = 0; column < imageSize; column++) {
      const x = (column + 0.5) / imageSize;
      const pixel = row * imageSize + column;
      if (pixel % 4 === 0) grainWord = random.uint32(firstGrainDraw + pixel / 4);
      const grainByte = (grainWord >>> (8 * (pixel % 4))) & 0xff;
      const across = grating.upright ? x + grating.slope * y : y + grating.slope * x;
      const shade =
        light.x * (x - 0.5) +
        light.y * (y - 0.5) +
        grating.contrast * triangleWave(across * grating.cycles + grating.phase);
      let [red, green, blue] = background;
      red += shade;
      green += shade;
      blue += shade;
      for (const patch of patches) {
        if (!covers(patch, x, y)) continue;
        red += patch.opacity * (patch.colour[0] - red);
        green += patch.opacity * (patch.colour[1] - green);
        blue += patch.opacity * (patch.colour[2] - blue);
      }
      const speck = grain * (grainByte / 127.5 - 1);
      into[place++] = toByte(red + speck);
      into[place++] = toByte(green + speck);
      into[place++] = toByte(blue + speck);
    }
  }
}

function composition({ labels }: SyntheticImage, random: CounterRandom) {
  let draw = 0;
  const between = (low: number, high: number): number => low + (high - low) * random.uniform(draw++);
  const background: [number, number, number] = [between(85, 145), between(85, 145), between(85, 145)];
  const light = { x: between(-40, 40), y: between(-40, 40) };
  const grating = {
    upright: labels.gender === 0,
    slope: between(-0.15, 0.15),
    cycles: between(6, 12),
    phase: between(0, 1),
    contrast: between(8, 40),
  };
  const grain = between(8, 30);
  const distractors = Array.from({ length: numDistractors }, (): Patch => {
    const colour = palette[Math.floor(between(0, palette.length))] ?? [0, 0, 0];
    const [diamond, x, y] = [between(0, 1) < 0.5, between(0, 1), between(0, 1)];
    return { diamond, x, y, halfSide: between(0.015, 0.04), colour, opacity: between(0.4, 0.9) };
  });
  const [x, y] = [between(0.42, 0.58), between(0.42, 0.58)];
  const pale = between(220, 250);
  const plate: Patch = {
    diamond: between(0, 1) < 0.5,
    x,
    y,
    halfSide: (0.09 + 0.036 * labels.ageBin) * between(0.93, 1.07),
    colour: [pale, pale, pale],
    opacity: between(0.85, 0.97),
  };
  const ofRace = palette[labels.race] ?? [0, 0, 0];
  const jitter = (channel: number): number => channel + between(-40, 40);
  const tile: Patch = {
    diamond: between(0, 1) < 0.5,
    x: x + between(-0.03, 0.03),
    y: y + between(-0.03, 0.03),
    halfSide: between(0.06, 0.085),
    colour: [jitter(ofRace[0]), jitter(ofRace[1]), jitter(ofRace[2])],
    opacity: between(0.45, 0.85),
  };
  return { background, light, grating, grain, patches: [...distractors, plate, tile] };
}

/** A square and a diamond with the same halfSide have the same area. */
function covers({ diamond, x, y, halfSide }: Patch, atX: number, atY: number): boolean {
  const dx = Math.abs(atX - x);
  const dy = Math.abs(atY - y);
  return diamond ? dx + dy < halfSide * Math.SQRT2 : dx < halfSide && dy < halfSide;
}

/** Period 1, range -1..1. */
function triangleWave(t: number): number {
  return 4 * Math.abs(t - Math.floor(t) - 0.5) - 1;
}

function toByte(value: number): number {
  return Math.floor(Math.min(Math.max(value, 0), 255) + 0.5);
}
