// Draws a contact sheet (contactSheet): one PNG with some images of a data set, each with its labels below it.
import { availableParallelism } from "node:os";
import { type Dataset, decodeImage, mapBounded, sharpModule } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { CounterRandom, permutation, randomDomain } from "@lockstep/numerics";
import type { OverlayOptions } from "sharp";
import { namedLabels } from "./duplicates.js";

export interface ContactSheetOptions {
  readonly dataset: Dataset;
  /** The samples to choose from. */
  readonly samples: Uint32Array;
  readonly rows: number;
  readonly columns: number;
  /** Determines which samples are chosen. */
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ContactSheet {
  readonly png: Uint8Array;
  /** Number of images on the sheet: rows x columns, or fewer if there are fewer samples. */
  readonly images: number;
  /** False if this machine has no fonts, so that the sheet has no labels. */
  readonly captioned: boolean;
}

/** In pixels. */
const [tileSize, gap, lineHeight, fontSize] = [128, 8, 14, 11];
/** Characters that fit into a line of a caption. A longer line would overlap the next tile. */
const captionColumns = Math.floor(tileSize / (0.56 * fontSize));
const background = { r: 250, g: 250, b: 250 };
const tileShape = { width: tileSize, height: tileSize, channels: 3 } as const;
const blankTile = new Uint8Array(tileSize * tileSize * 3).fill(200);

export async function contactSheet(options: ContactSheetOptions): Promise<ContactSheet> {
  const { dataset, samples, rows, columns, seed, signal } = options;
  const order = permutation(new CounterRandom(seed, randomDomain.contactSheet), samples.length);
  const chosen = Array.from(order.subarray(0, rows * columns), (place) => samples[place] ?? -1);
  const captioned = await hasFonts();
  const captionLines = captioned ? dataset.labels.schema.fields.length + 1 : 0;
  const [width, height] = [tileSize + gap, tileSize + gap + captionLines * lineHeight];
  const overlays = await mapBounded({
    items: chosen,
    limit: availableParallelism() + 2,
    signal,
    work: async (sample, place): Promise<OverlayOptions[]> => {
      const [left, top] = [gap + (place % columns) * width, gap + Math.floor(place / columns) * height];
      const pixels = await tilePixels(dataset, sample);
      const image = { input: Buffer.from(pixels ?? blankTile), raw: tileShape, left, top };
      if (!captioned) return [image];
      const lines = pixels === null ? ["cannot be decoded"] : captionOf(dataset, sample);
      const name = shortened(dataset.imageName(sample));
      return [image, { input: captionSvg([...lines, name]), left, top: top + tileSize }];
    },
  });
  const numRows = Math.max(1, Math.ceil(chosen.length / columns));
  const sharp = await sharpModule();
  const size = { width: gap + columns * width, height: gap + numRows * height };
  const png = await sharp({ create: { ...size, channels: 3, background } })
    .composite(overlays.flat())
    .removeAlpha()
    .png()
    .toBuffer();
  return { png, images: chosen.length, captioned };
}

/** Returns the pixels that training uses, but at the size of a tile; null if the image cannot be decoded. */
async function tilePixels(dataset: Dataset, sample: number): Promise<Uint8Array | null> {
  if (dataset.pixelSource === "generated") {
    const pixels = new Uint8Array(tileSize * tileSize * 3);
    dataset.generate(sample, tileSize, pixels, 0);
    return pixels;
  }
  try {
    return await decodeImage(await dataset.readEncoded(sample), tileSize, dataset.imageName(sample));
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function captionOf(dataset: Dataset, sample: number): string[] {
  return Object.values(namedLabels(dataset.labels, sample)).map((label) => shortened(String(label)));
}

/** Shortens a line at its start, because names usually differ at their end. */
function shortened(line: string): string {
  return line.length <= captionColumns ? line : `…${line.slice(1 - captionColumns)}`;
}

function captionSvg(lines: readonly string[]): Buffer {
  const texts = lines.map((line, index) => `<text x="0" y="${(index + 1) * lineHeight - 2}">${escaped(line)}</text>`);
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${tileSize}" height="${lines.length * lineHeight}" ` +
      `font-family="sans-serif" font-size="${fontSize}" fill="#222">${texts.join("")}</svg>`,
  );
}

/** Escapes text for XML, which does not allow control characters. */
function escaped(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, "?")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/** Draws a text and checks whether it has visible pixels: without fonts, text is not drawn and no error is reported. */
async function hasFonts(): Promise<boolean> {
  const sharp = await sharpModule();
  const { data } = await sharp(captionSvg(["Labels"]))
    .extractChannel("alpha")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return data.some((alpha) => alpha > 128);
}
